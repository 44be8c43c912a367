use polars::prelude::*;
use proptest::prelude::*;

use super::*;
use crate::convention::column::{Column, ColumnKind};

fn column(name: &str, kind: ColumnKind) -> Column {
    Column { name: name.to_owned(), title: None, kind, nullable: true, required: false }
}

fn columns() -> Vec<Column> {
    vec![
        column("texte", ColumnKind::String),
        column("entier", ColumnKind::Integer),
        column("nombre", ColumnKind::Number),
        column("oui", ColumnKind::Boolean),
        column("depot", ColumnKind::Date),
        column("cloture", ColumnKind::Date),
        column("debut", ColumnKind::Datetime),
        column("fin", ColumnKind::Datetime),
        column("bras du site", ColumnKind::String),
    ]
}

/// Days since 1970 of a date.
fn day(text: &str) -> i32 {
    let day: chrono::NaiveDate = text.parse().expect("a day");
    i32::try_from((day - chrono::NaiveDate::default()).num_days()).expect("small")
}

/// Two rows: one of values, one of nulls.
fn table() -> DataFrame {
    let hour = 3_600_000_000i64;
    let noon = i64::from(day("2026-03-02")) * 24 * hour + 12 * hour;
    let values: Vec<polars::prelude::Column> = vec![
        Series::new("texte".into(), [Some("Été"), None]).into(),
        Series::new("entier".into(), [Some(4i64), None]).into(),
        Series::new("nombre".into(), [Some(2.5f64), None]).into(),
        Series::new("oui".into(), [Some(true), None]).into(),
        Series::new("depot".into(), [Some(day("2026-01-31")), None]).cast(&DataType::Date).expect("cast").into(),
        Series::new("cloture".into(), [Some(day("2026-02-10")), None]).cast(&DataType::Date).expect("cast").into(),
        Series::new("debut".into(), [Some(noon), None]).cast(&ColumnKind::Datetime.dtype()).expect("cast").into(),
        Series::new("fin".into(), [Some(noon + 90 * 60_000_000), None]).cast(&ColumnKind::Datetime.dtype()).expect("cast").into(),
        Series::new("bras du site".into(), [Some("temoin"), None]).into(),
    ];
    DataFrame::new(2, values).expect("a table")
}

fn run(expression: &Expression, table: DataFrame) -> PolarsResult<Series> {
    Ok(table.lazy().select([expression.expr.clone().alias("out")]).collect()?.column("out")?.as_materialized_series().clone())
}

/// Value on the row of values, and on the row of nulls.
fn both(sql: &str) -> (String, String) {
    let expression = compile(sql, &columns(), "/x").unwrap_or_else(|f| panic!("{sql}: {}", f.message));
    let out = run(&expression, table()).unwrap_or_else(|e| panic!("{sql}: {e}"));
    assert_eq!(out.dtype(), &expression.kind.dtype(), "{sql}");
    assert_eq!(out.len(), 2, "{sql}");
    (out.get(0).expect("row").to_string(), out.get(1).expect("row").to_string())
}

#[test]
fn what_is_allowed_runs_and_means_what_it_says() {
    // Expected values by hand, from the two rows above: 4, 2.5, « Été », 31 January to 10 February, 12:00 to 13:30.
    for (sql, value, of_null) in [
        ("entier + 1", "5.0", "null"),
        ("-nombre", "-2.5", "null"),
        ("entier / 8", "0.5", "null"),
        ("entier / 0", "null", "null"),
        ("entier % 3", "1.0", "null"),
        ("entier % 0", "null", "null"),
        ("entier * 1e300 * 1e300", "null", "null"),
        ("LENGTH(texte) - 10", "-7.0", "null"),
        ("EXTRACT(MONTH FROM depot) * 100", "100.0", "null"),
        ("EXTRACT(YEAR FROM depot)", "2026.0", "null"),
        ("EXTRACT(QUARTER FROM cloture)", "1.0", "null"),
        ("EXTRACT(WEEK FROM cloture)", "7.0", "null"),
        ("EXTRACT(DAY FROM cloture)", "10.0", "null"),
        ("EXTRACT(DOY FROM cloture)", "41.0", "null"),
        ("EXTRACT(ISODOW FROM cloture)", "2.0", "null"),
        ("EXTRACT(HOUR FROM fin)", "13.0", "null"),
        ("EXTRACT(MINUTE FROM fin)", "30.0", "null"),
        ("EXTRACT(SECOND FROM fin)", "0.0", "null"),
        ("EXTRACT(EPOCH FROM fin - debut) / 60", "90.0", "null"),
        ("ABS(entier - 10)", "6.0", "null"),
        ("ROUND(nombre)", "2.0", "null"),
        ("ROUND(nombre / 3, 2)", "0.83", "null"),
        ("FLOOR(nombre)", "2.0", "null"),
        ("CEIL(nombre)", "3.0", "null"),
        ("COALESCE(nombre, 0)", "2.5", "0.0"),
        ("NULLIF(entier, 4)", "null", "null"),
        ("LEAST(entier, nombre, 3)", "2.5", "3.0"),
        ("GREATEST(depot, cloture) = cloture", "true", "null"),
        ("CASE WHEN entier > 3 THEN 1 ELSE 0 END", "1.0", "0.0"),
        ("CASE entier WHEN 4 THEN 'a' END = 'a'", "true", "null"),
        ("CAST(entier AS VARCHAR) = '4'", "true", "null"),
        ("CAST(texte AS DOUBLE) IS NULL", "true", "true"),
        ("CAST('3.7' || LEFT(texte, 0) AS BIGINT)", "3.0", "null"),
        ("CAST(oui AS DOUBLE)", "1.0", "null"),
        ("CAST(debut AS DATE) = DATE '2026-03-02'", "true", "null"),
        ("CAST('2026-02-30' || LEFT(texte, 0) AS DATE) IS NULL", "true", "true"),
        ("LOWER(texte) = 'été'", "true", "null"),
        ("UPPER(texte) = 'ÉTÉ'", "true", "null"),
        ("TRIM(texte || '  ') = 'Été'", "true", "null"),
        ("LEFT(texte, 1) = 'É'", "true", "null"),
        ("STARTS_WITH(texte, 'É')", "true", "null"),
        ("ENDS_WITH(texte, 'x')", "false", "null"),
        ("texte LIKE '%t_'", "true", "null"),
        ("texte NOT LIKE 'a.c'", "true", "null"),
        ("texte ILIKE 'été'", "true", "null"),
        ("oui AND nombre > 2", "true", "null"),
        ("NOT oui", "false", "null"),
        ("oui IS TRUE", "true", "false"),
        ("oui IS NOT TRUE", "false", "true"),
        ("oui IS FALSE", "false", "false"),
        ("oui IS NOT FALSE", "true", "true"),
        ("nombre IS NULL OR nombre > 5", "false", "true"),
        ("nombre > 2 OR oui", "true", "null"),
        ("nombre = 2.5", "true", "null"),
        ("nombre <> 2.5", "false", "null"),
        ("nombre IS DISTINCT FROM entier", "true", "false"),
        ("entier IN (1, 4, 5)", "true", "null"),
        ("entier NOT IN (1, 4, 5)", "false", "null"),
        ("depot IN (DATE '2026-01-31')", "true", "null"),
        ("\"bras du site\" IN ('assistant', 'temoin')", "true", "null"),
        ("entier BETWEEN 1 AND 4", "true", "null"),
        ("entier NOT BETWEEN 1 AND 4", "false", "null"),
        ("depot BETWEEN DATE '2026-01-01' AND DATE '2026-01-31'", "true", "null"),
        ("cloture >= depot", "true", "null"),
        ("cloture IS NOT NULL AND cloture <= depot + INTERVAL '15 days'", "true", "false"),
        ("depot + INTERVAL '1 month' = DATE '2026-02-28'", "true", "null"),
        ("depot - INTERVAL '1 year 1 day' = DATE '2025-01-30'", "true", "null"),
        ("debut + INTERVAL '90 minutes' = fin", "true", "null"),
        ("debut = TIMESTAMP '2026-03-02 12:00:00'", "true", "null"),
        ("debut > depot", "true", "null"),
        ("cloture - depot", "10d", "null"),
        ("cloture - depot > INTERVAL '9 days'", "true", "null"),
        ("fin - debut", "1h 30m", "null"),
        ("debut - depot", "30d 12h", "null"),
        ("(fin - debut) * 2", "3h", "null"),
        ("2 * (fin - debut)", "3h", "null"),
        ("(fin - debut) / 3", "30m", "null"),
        ("(fin - debut) / INTERVAL '1 hour'", "1.5", "null"),
        ("fin - debut + INTERVAL '1 hour'", "2h 30m", "null"),
        ("ABS(depot - cloture)", "10d", "null"),
        ("-(depot - cloture)", "10d", "null"),
        ("fin - (fin - debut) = debut", "true", "null"),
    ] {
        assert_eq!(both(sql), (value.to_owned(), of_null.to_owned()), "{sql}");
    }
}

#[test]
fn what_is_refused_says_why() {
    let columns = columns();
    let mut seen = String::new();
    for (code, sql) in [
        ("expression_not_allowed", "texte IN (SELECT * FROM read_csv('/etc/passwd'))"),
        ("expression_not_allowed", "(SELECT 1)"),
        ("expression_not_allowed", "EXISTS (SELECT 1)"),
        ("expression_not_allowed", "read_csv('/etc/passwd')"),
        ("expression_not_allowed", "COLUMNS('.*')"),
        ("expression_not_allowed", "COLUMNS('.*') > 1"),
        ("expression_syntax", "*"),
        ("expression_not_allowed", "SUM(nombre)"),
        ("expression_not_allowed", "COUNT(*)"),
        ("expression_not_allowed", "nombre - AVG(nombre)"),
        ("expression_not_allowed", "ROW_NUMBER() OVER (ORDER BY nombre)"),
        ("expression_not_allowed", "t.nombre"),
        ("expression_not_allowed", "nombre > ?"),
        ("expression_not_allowed", "nombre > $1"),
        ("expression_not_allowed", "nombre; DROP TABLE x"),
        ("expression_not_allowed", "CURRENT_DATE - depot"),
        ("expression_not_allowed", "RANDOM()"),
        ("expression_not_allowed", "nombre & 1"),
        ("expression_not_allowed", "texte ~ '(a+)+$'"),
        ("expression_not_allowed", "texte LIKE LOWER(texte)"),
        ("expression_not_allowed", "ARRAY[1, 2]"),
        ("expression_not_allowed", "nombre > ANY(ARRAY[1])"),
        ("expression_not_allowed", "LOWERR(texte) = 'a'"),
        ("expression_not_allowed", "LOWER(DISTINCT texte) = 'a'"),
        ("expression_not_allowed", "CAST(nombre AS BLOB)"),
        ("expression_not_allowed", "X'00ff' = texte"),
        ("expression_syntax", "nombre AS autre"),
        ("expression_syntax", ""),
        ("expression_syntax", "nombre >"),
        ("expression_syntax", "nombre nombre"),
        ("expression_syntax", "texte = 'abc"),
        ("expression_constant", "1 = 1"),
        ("expression_type", "NULL"),
        ("expression_type", "nombre = NULL"),
        ("expression_type", "nombre IN (1, NULL)"),
        ("expression_type", "cloture - depot > 15"),
        ("expression_type", "depot > '2026-01-05'"),
        ("expression_type", "depot > texte"),
        ("expression_type", "depot > DATE '2026-02-30'"),
        ("expression_type", "depot > DATE '26-02-03'"),
        ("expression_type", "depot + 15 > cloture"),
        ("expression_type", "depot + INTERVAL '6 hours' > cloture"),
        ("expression_type", "cloture - depot > INTERVAL '1 month'"),
        ("expression_type", "cloture - depot > INTERVAL '15 jours'"),
        ("expression_type", "depot + INTERVAL '99999999999 days' > cloture"),
        ("expression_type", "nombre AND oui"),
        ("expression_type", "NOT texte"),
        ("expression_type", "texte + 1"),
        ("expression_type", "nombre = '3'"),
        ("expression_type", "CASE WHEN oui THEN 1 ELSE 'a' END"),
        ("expression_type", "ROUND(nombre, entier)"),
        ("unknown_column", "date_cloture IS NULL"),
        ("unknown_column", "clotrue IS NULL"),
        ("unknown_column", "texte = \"assistant\""),
        ("unknown_column", "TEXTE = 'a'"),
    ] {
        let fault = compile(sql, &columns, "/p").expect_err(sql);
        assert_eq!(fault.code, code, "{sql}: {}", fault.message);
        assert_eq!(fault.pointer, "/p");
        seen.push_str(&format!("{sql}\n    {}\n", fault.message));
    }
    insta::assert_snapshot!(seen);
}

#[test]
fn a_monstrous_expression_is_refused_at_once() {
    let start = std::time::Instant::now();
    let nested = |open: &str, inside: &str, close: &str, n: usize| format!("{}{inside}{}", open.repeat(n), close.repeat(n));
    for sql in [
        nested("(", "nombre", ")", 1_900),
        nested("NOT ", "oui", "", 900),
        nested("- ", "nombre", "", 1_500),
        nested("", "nombre", " + nombre", 400),
        nested("", "oui", " IN (TRUE, FALSE)", 200),
        nested("", "oui", " BETWEEN TRUE AND TRUE", 150),
        nested("1 / (", "nombre", ")", 45),
        nested("NULLIF(", "nombre", ", 1)", 40),
        nested("CASE WHEN oui THEN ", "1", " ELSE 0 END", 120),
        "nombre + ".repeat(1_000),
    ] {
        let fault = compile(&sql, &columns(), "").expect_err(&sql[..40]);
        assert!(fault.code == "expression_syntax", "{} {}", fault.code, fault.message);
    }
    // The deepest that are accepted stay within a thread's two megabytes, in the debug build too.
    compile(&nested("", "nombre", " + nombre", 48), &columns(), "").expect("a chain");
    compile(&nested("ABS(", "nombre", ")", 22), &columns(), "").expect("nested");
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn a_name_that_polars_reads_as_a_pattern_is_refused() {
    let fault = compile("\"^.*$\" > 1", &[column("^.*$", ColumnKind::Number)], "").expect_err("a pattern");
    assert_eq!(fault.code, "expression_not_allowed");
    let columns = [column("a", ColumnKind::Number), column("*", ColumnKind::Number)];
    assert_eq!(compile("\"*\" > 1", &columns, "").expect_err("a wildcard").code, "expression_not_allowed");
}

/// A generated expression of a wanted kind.
fn expression(kind: ExpressionKind) -> BoxedStrategy<String> {
    let leaf = leaf(kind);
    leaf.prop_recursive(3, 24, 3, move |_| composed(kind)).boxed()
}

fn leaf(kind: ExpressionKind) -> BoxedStrategy<String> {
    match kind {
        ExpressionKind::Number => prop_oneof![
            Just("entier".to_owned()),
            Just("nombre".to_owned()),
            (-50i32..50).prop_map(|n| n.to_string()),
            Just("0.25".to_owned()),
            Just("LENGTH(texte)".to_owned())
        ]
        .boxed(),
        ExpressionKind::Boolean => {
            prop_oneof![Just("oui".to_owned()), Just("TRUE".to_owned()), Just("texte LIKE 'a%_'".to_owned())].boxed()
        }
        ExpressionKind::Text => {
            prop_oneof![Just("texte".to_owned()), Just("\"bras du site\"".to_owned()), Just("'a''b'".to_owned())].boxed()
        }
        ExpressionKind::Date => {
            prop_oneof![Just("depot".to_owned()), Just("cloture".to_owned()), Just("DATE '2026-02-28'".to_owned())].boxed()
        }
        ExpressionKind::Datetime => {
            prop_oneof![Just("debut".to_owned()), Just("fin".to_owned()), Just("TIMESTAMP '2026-02-28 23:59:59'".to_owned())].boxed()
        }
        ExpressionKind::Duration => prop_oneof![Just("fin - debut".to_owned()), Just("INTERVAL '3 days 2 hours'".to_owned())].boxed(),
    }
}

const KINDS: [ExpressionKind; 6] = [
    ExpressionKind::Number,
    ExpressionKind::Boolean,
    ExpressionKind::Text,
    ExpressionKind::Date,
    ExpressionKind::Datetime,
    ExpressionKind::Duration,
];

fn composed(kind: ExpressionKind) -> BoxedStrategy<String> {
    use ExpressionKind::*;
    let sub = |k| leaf(k).prop_map(|s| format!("({s})")).boxed();
    let two = move |k| (sub(k), sub(k));
    let any = move || (two(kind), sub(Boolean)).prop_map(|((a, b), c)| format!("CASE WHEN {c} THEN {a} ELSE {b} END")).boxed();
    let coalesce = move || two(kind).prop_map(|(a, b)| format!("COALESCE(NULLIF({a}, {b}), {b})")).boxed();
    let own = match kind {
        Number => prop_oneof![
            (two(Number), "[-+*/%]").prop_map(|((a, b), op)| format!("{a} {op} {b}")),
            sub(Number).prop_map(|a| format!("ROUND(ABS(FLOOR({a})), 1)")),
            two(Duration).prop_map(|(a, b)| format!("{a} / {b}")),
            sub(Date).prop_map(|a| format!("EXTRACT(MONTH FROM {a})")),
            sub(Text).prop_map(|a| format!("CAST({a} AS DOUBLE)")),
        ]
        .boxed(),
        Boolean => prop_oneof![
            proptest::sample::select(&KINDS[..]).prop_flat_map(two).prop_map(|(a, b)| format!("{a} <= {b}")),
            proptest::sample::select(&KINDS[..]).prop_flat_map(two).prop_map(|(a, b)| format!("{a} NOT IN ({b}, {a})")),
            two(Boolean).prop_map(|(a, b)| format!("{a} AND NOT {b} OR {a} IS NOT TRUE")),
            (sub(Date), sub(Datetime)).prop_map(|(a, b)| format!("{a} BETWEEN {b} AND {a}")),
        ]
        .boxed(),
        Text => prop_oneof![
            two(Text).prop_map(|(a, b)| format!("LOWER({a} || TRIM({b}))")),
            sub(Number).prop_map(|a| format!("CAST({a} AS VARCHAR)"))
        ]
        .boxed(),
        Date => prop_oneof![
            sub(Date).prop_map(|a| format!("{a} + INTERVAL '1 month 2 days'")),
            sub(Datetime).prop_map(|a| format!("CAST({a} AS DATE)")),
            sub(Text).prop_map(|a| format!("CAST({a} AS DATE)")),
        ]
        .boxed(),
        Datetime => prop_oneof![
            sub(Datetime).prop_map(|a| format!("{a} - INTERVAL '1 year 5 minutes'")),
            (sub(Datetime), sub(Duration)).prop_map(|(a, b)| format!("{a} + {b}"))
        ]
        .boxed(),
        Duration => prop_oneof![
            two(Date).prop_map(|(a, b)| format!("{a} - {b}")),
            (sub(Date), sub(Datetime)).prop_map(|(a, b)| format!("{a} - {b}")),
            (sub(Duration), sub(Number)).prop_map(|(a, b)| format!("{a} * {b} - {a} / {b}")),
        ]
        .boxed(),
    };
    prop_oneof![3 => own, 1 => any(), 1 => coalesce()].boxed()
}

/// Typed rows with nulls and extremes: days from year 1 to 9999, any finite number.
fn rows() -> impl Strategy<Value = DataFrame> {
    let far = 2_932_896i32; // 9999-12-31
    let date = move || prop::option::weighted(0.8, -719_162..far);
    let moment = move || prop::option::weighted(0.8, -719_162i64..i64::from(far)).prop_map(|d| d.map(|d| d * 86_400_000_000 + 1_234_567));
    let text = || prop::option::weighted(0.8, "[a-c%_ ]{0,3}|[0-9]{1,4}(\\.[0-9])?|inf|nan|2026-02-2[0-9]|\\PC{0,4}");
    let row =
        (text(), prop::option::weighted(0.8, any::<i64>()), prop::option::weighted(0.8, prop::num::f64::NORMAL | prop::num::f64::ZERO));
    let rest = (prop::option::weighted(0.8, any::<bool>()), date(), date(), moment(), moment(), text());
    prop::collection::vec((row, rest), 1..6).prop_map(|rows| {
        let height = rows.len();
        let cast = |s: Series, kind: ColumnKind| s.cast(&kind.dtype()).expect("cast").into();
        let columns: Vec<polars::prelude::Column> = vec![
            Series::new("texte".into(), rows.iter().map(|r| r.0.0.clone()).collect::<Vec<_>>()).into(),
            Series::new("entier".into(), rows.iter().map(|r| r.0.1).collect::<Vec<_>>()).into(),
            Series::new("nombre".into(), rows.iter().map(|r| r.0.2).collect::<Vec<_>>()).into(),
            Series::new("oui".into(), rows.iter().map(|r| r.1.0).collect::<Vec<_>>()).into(),
            cast(Series::new("depot".into(), rows.iter().map(|r| r.1.1).collect::<Vec<_>>()), ColumnKind::Date),
            cast(Series::new("cloture".into(), rows.iter().map(|r| r.1.2).collect::<Vec<_>>()), ColumnKind::Date),
            cast(Series::new("debut".into(), rows.iter().map(|r| r.1.3).collect::<Vec<_>>()), ColumnKind::Datetime),
            cast(Series::new("fin".into(), rows.iter().map(|r| r.1.4).collect::<Vec<_>>()), ColumnKind::Datetime),
            Series::new("bras du site".into(), rows.iter().map(|r| r.1.5.clone()).collect::<Vec<_>>()).into(),
        ];
        DataFrame::new(height, columns).expect("a table")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_expression_runs_on_any_rows_with_its_kind(
        (kind, sql) in proptest::sample::select(&KINDS[..]).prop_flat_map(|k| (Just(k), expression(k))),
        table in rows(),
    ) {
        match compile(&sql, &columns(), "") {
            Err(fault) => prop_assert!(fault.code == "expression_constant" || fault.message.contains("NULL"), "{}: {}", sql, fault.message),
            Ok(compiled) => {
                prop_assert_eq!(compiled.kind, kind, "{}", &sql);
                let height = table.height();
                let out = run(&compiled, table).map_err(|e| TestCaseError::fail(format!("{sql}: {e}")))?;
                prop_assert_eq!(out.dtype(), &kind.dtype(), "{}", &sql);
                prop_assert_eq!(out.len(), height);
                if kind == ExpressionKind::Number {
                    prop_assert!(out.f64().expect("numbers").iter().flatten().all(f64::is_finite), "{}", &sql);
                }
            }
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(sql in "(nombre|texte|depot|INTERVAL|DATE|CASE|WHEN|THEN|END|IN|LIKE|'[a-z0-9 -]{0,12}'|[-+*/%=<>(),.;:?$\"' ]|[0-9]{1,25}|[a-zA-Z_]{1,8}| |\\PC){0,24}") {
        let _ = compile(&sql, &columns(), "");
    }
}

/// Where polars SQL has the same meaning (no division, no narrow integer, no failing CAST, no IS TRUE), it agrees.
#[test]
fn the_meaning_is_that_of_polars_sql() {
    for sql in [
        "cloture - depot",
        "cloture >= depot",
        "cloture IS NOT NULL AND cloture <= depot + INTERVAL '15 days'",
        "depot + INTERVAL '1 month' > cloture",
        "nombre * 2 + entier > 3",
        "texte LIKE '%t_' OR texte ILIKE 'ÉTÉ'",
        "entier IN (1, 4)",
        "entier NOT IN (1, 4)",
        "entier BETWEEN 1 AND 4",
        "entier NOT BETWEEN 1 AND 4",
        "CASE WHEN entier > 3 THEN 'a' ELSE 'b' END = 'a'",
        "COALESCE(nombre, 0) > 1",
        "NOT oui",
        "nombre IS DISTINCT FROM 2.5",
        "ROUND(nombre * 1.37, 1)",
        "LEAST(nombre, 3.0)",
        "STARTS_WITH(LOWER(texte), 'é')",
        "LEFT(texte, 2) = 'Ét'",
        "CAST(debut AS DATE) = DATE '2026-03-02'",
    ] {
        let ours = run(&compile(sql, &columns(), "").unwrap_or_else(|f| panic!("{sql}: {}", f.message)), table()).expect("runs");
        let oracle = table().lazy().select([polars::sql::sql_expr(sql).expect("polars reads it").alias("out")]).collect().expect("runs");
        let oracle = oracle.column("out").expect("a column").cast(ours.dtype()).expect("same kind");
        assert!(ours.equals_missing(oracle.as_materialized_series()), "{sql}: {ours:?} {oracle:?}");
    }
}
