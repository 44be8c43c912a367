//! What the database promises, on both engines.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use retex::{
    audit::{self, Actor, Broken, Entry},
    error::Kind,
    ids::{AccountId, EvaluationId, Siren, TokenId},
    store::{
        Page,
        accounts::{Account, Session, Token},
        audit::AuditFilter,
        deposits::{Accepted, DepositFilter, DepositState},
        evaluations::{NewEvaluation, SummaryRow},
        rex::RexAnswers,
    },
};
use serde_json::json;

use crate::ground::{Ground, on_both_engines};

on_both_engines!(
    accounts_are_found_by_address_in_any_case,
    sessions_and_tokens_live_until_their_end,
    attempts_are_counted_per_window,
    a_convention_has_versions,
    deposits_get_numbers_and_read_back_whole,
    deposits_are_listed_by_filter_and_page,
    the_same_bytes_are_found_again,
    a_later_deposit_takes_the_place_of_an_earlier_one,
    an_earlier_deposit_checked_late_does_not_count,
    checks_that_end_at_once_leave_one_current_deposit,
    a_decided_deposit_does_not_change_its_mind,
    deposits_belong_to_all_versions_of_a_convention,
    many_writers_do_not_get_in_each_others_way,
    what_is_not_committed_is_not_there,
    times_sort_as_time_does,
    a_snapshot_of_the_same_inputs_is_the_same,
    summaries_are_kept_once,
    rex_answers_are_not_lost_to_a_race,
    the_trail_holds,
    a_touched_trail_is_found,
    entries_appended_at_once_make_one_chain,
);

const PARIS: &str = "217500016";
const MONTREUIL: &str = "219300480";

fn siren(s: &str) -> Siren {
    s.parse().unwrap()
}

async fn accounts_are_found_by_address_in_any_case(ground: &Ground) {
    let store = &ground.app.store;
    assert_eq!(store.account_count().await.unwrap(), 0);
    let account = Account {
        id: AccountId(ground.app.clock.id()),
        email: "Émilie.Durand@Montreuil.fr".to_owned(),
        name: "Émilie Durand".to_owned(),
        role: "contributor".to_owned(),
        organisation: Some(siren(MONTREUIL)),
        password_hash: Some("$argon2id$…".to_owned()),
        created_at: ground.app.clock.now(),
        disabled_at: None,
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_account(&account).await.unwrap();
    tx.commit().await.unwrap();
    let mut found = store.account_by_email("ÉMILIE.durand@montreuil.FR").await.unwrap().unwrap();
    assert_eq!(found, Account { email: "émilie.durand@montreuil.fr".to_owned(), ..account.clone() });

    let mut tx = store.begin().await.unwrap();
    let twice = Account { id: AccountId(ground.app.clock.id()), email: "émilie.DURAND@montreuil.fr".to_owned(), ..account.clone() };
    assert_eq!(tx.insert_account(&twice).await.unwrap_err().kind, Kind::Conflict);
    drop(tx);

    found.role = "officer".to_owned();
    found.organisation = None;
    found.disabled_at = Some(ground.app.clock.now());
    let mut tx = store.begin().await.unwrap();
    tx.update_account(&found).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.account(account.id).await.unwrap().unwrap(), found);
    assert_eq!(store.accounts().await.unwrap(), [found]);
    assert_eq!(store.account(AccountId(ground.app.clock.id())).await.unwrap(), None);
}

async fn sessions_and_tokens_live_until_their_end(ground: &Ground) {
    let (store, now) = (&ground.app.store, ground.app.clock.now());
    let account = ground.account(PARIS).await;
    let session = Session {
        token_sha256: "s1".to_owned(),
        account_id: account,
        csrf: "c".to_owned(),
        created_at: now,
        expires_at: now + TimeDelta::hours(8),
        last_seen_at: now,
        second_factor: None,
        device: None,
        id_token: None,
    };
    let token = Token {
        id: TokenId(ground.app.clock.id()),
        account_id: account,
        name: "dépôt nocturne".to_owned(),
        sha256: "t1".to_owned(),
        created_at: now,
        expires_at: Some(now + TimeDelta::days(90)),
        last_used_at: None,
        revoked_at: None,
        scope: None,
        service: false,
        created_by: None,
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_session(&session).await.unwrap();
    tx.insert_token(&token).await.unwrap();
    tx.commit().await.unwrap();

    let (found, owner) = store.session("s1", now).await.unwrap().unwrap();
    assert_eq!((&found, owner.id), (&session, account));
    assert!(store.session("s1", session.expires_at).await.unwrap().is_none());
    assert!(store.session("s2", now).await.unwrap().is_none());
    store.touch_session("s1", now + TimeDelta::hours(1), now + TimeDelta::hours(9)).await.unwrap();
    assert!(store.session("s1", session.expires_at).await.unwrap().is_some());

    assert_eq!(store.token("t1", now).await.unwrap().unwrap().0, token);
    assert!(store.token("t1", now + TimeDelta::days(90)).await.unwrap().is_none());
    store.touch_token(token.id, now).await.unwrap();
    assert_eq!(store.tokens(account).await.unwrap(), [Token { last_used_at: Some(now), ..token.clone() }]);
    let stranger = ground.account(MONTREUIL).await;
    let mut tx = store.begin().await.unwrap();
    assert!(!tx.revoke_token(stranger, token.id, now).await.unwrap(), "only its own account revokes a token");
    assert!(tx.revoke_token(account, token.id, now).await.unwrap());
    assert!(!tx.revoke_token(account, token.id, now).await.unwrap());
    tx.commit().await.unwrap();
    assert!(store.token("t1", now).await.unwrap().is_none());

    let disabled = Account { disabled_at: Some(now), ..store.account(account).await.unwrap().unwrap() };
    let mut tx = store.begin().await.unwrap();
    tx.update_account(&disabled).await.unwrap();
    tx.commit().await.unwrap();
    assert!(store.session("s1", now).await.unwrap().is_none(), "a disabled account has no session");

    let mut tx = store.begin().await.unwrap();
    tx.delete_sessions_of(account).await.unwrap();
    tx.delete_session("never").await.unwrap();
    tx.commit().await.unwrap();
}

async fn attempts_are_counted_per_window(ground: &Ground) {
    let (store, now) = (&ground.app.store, ground.app.clock.now());
    for expected in 1..=3 {
        assert_eq!(store.count_attempt("a@exemple.fr", now).await.unwrap(), expected);
    }
    let later = now + TimeDelta::minutes(15);
    assert_eq!(store.count_attempt("a@exemple.fr", later).await.unwrap(), 1);
    assert_eq!(store.attempts("a@exemple.fr", now).await.unwrap(), 4);
    assert_eq!(store.attempts("a@exemple.fr", later).await.unwrap(), 1);
    assert_eq!(store.attempts("b@exemple.fr", now).await.unwrap(), 0);
    store.sweep_access(later, TimeDelta::minutes(1)).await.unwrap();
    assert_eq!(store.attempts("a@exemple.fr", now).await.unwrap(), 1);
    store.forget_attempts("a@exemple.fr").await.unwrap();
    assert_eq!(store.attempts("a@exemple.fr", now).await.unwrap(), 0);
}

async fn a_convention_has_versions(ground: &Ground) {
    let store = &ground.app.store;
    let first = ground.convention("tri-demandes-2026").await;
    let other = ground.convention("chauffage-2026").await;
    let second = ground.convention("tri-demandes-2026").await;
    let row = store.convention(first).await.unwrap().unwrap();
    assert_eq!((row.head.version, row.head.name.as_str()), (1, "tri-demandes-2026"));
    assert_eq!(row.head.starts_on.to_string(), "2026-01-01");
    assert_eq!(row.head.created_at, ground.app.clock.now());
    assert_eq!(row.document, "{\"id\":\"tri-demandes-2026\"}");
    assert_eq!(store.convention_by_name("tri-demandes-2026").await.unwrap().unwrap().head.id, second);
    assert_eq!(store.newest_convention(first).await.unwrap().unwrap().head.id, second);
    assert_eq!(store.convention_by_sha256(&row.head.sha256).await.unwrap().unwrap().head.id, first);
    let versions: Vec<_> = store.convention_versions("tri-demandes-2026").await.unwrap().iter().map(|h| (h.version, h.id)).collect();
    assert_eq!(versions, [(2, second), (1, first)]);
    let newest: Vec<_> = store.conventions().await.unwrap().iter().map(|h| h.id).collect();
    assert_eq!(newest, [other, second]);
    assert!(store.convention_by_name("inconnue").await.unwrap().is_none());
}

async fn deposits_get_numbers_and_read_back_whole(ground: &Ground) {
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    let first = ground.deposit(convention, by, PARIS, Some("2026-03")).await.unwrap();
    let second = ground.deposit(convention, by, MONTREUIL, None).await.unwrap();
    assert_eq!((first.number.as_str(), second.number.as_str()), ("D-2026-000001", "D-2026-000002"));
    assert_eq!((first.state, first.convention.as_str()), (DepositState::Received, "tri-demandes-2026"));
    assert_eq!(first.period.unwrap().to_string(), "2026-03");
    assert_eq!(first.file_name, "demandes 2026-03 – été.csv");
    assert_eq!(ground.app.store.deposit(first.id).await.unwrap().unwrap(), first);
    assert_eq!(ground.app.store.deposit_by_number("D-2026-000002").await.unwrap().unwrap(), second);
    ground.app.clock.advance(TimeDelta::days(365));
    assert_eq!(ground.deposit(convention, by, PARIS, None).await.unwrap().number, "D-2027-000001");
    assert_eq!(ground.app.store.named_keys().await.unwrap().len(), 3);
}

async fn deposits_are_listed_by_filter_and_page(ground: &Ground) {
    let store = &ground.app.store;
    let (tri, heating) = (ground.convention("tri-demandes-2026").await, ground.convention("chauffage-2026").await);
    let by = ground.account(PARIS).await;
    let mut made = Vec::new();
    for (convention, site) in [(tri, PARIS), (tri, MONTREUIL), (heating, PARIS), (tri, PARIS)] {
        made.push(ground.deposit(convention, by, site, None).await.unwrap().id);
        ground.app.clock.advance(TimeDelta::seconds(1));
    }
    let list = async |filter: DepositFilter, offset, limit| {
        let (rows, count) = store.deposits(&filter, Page { offset, limit }).await.unwrap();
        (rows.iter().map(|d| made.iter().position(|m| *m == d.id).unwrap()).collect::<Vec<_>>(), count)
    };
    assert_eq!(list(DepositFilter::default(), 0, 10).await, (vec![3, 2, 1, 0], 4));
    assert_eq!(list(DepositFilter::default(), 1, 2).await, (vec![2, 1], 4));
    let of_tri = DepositFilter { convention: Some(tri), ..DepositFilter::default() };
    assert_eq!(list(of_tri.clone(), 0, i64::MAX).await, (vec![3, 1, 0], 3));
    assert_eq!(list(DepositFilter { site: Some(siren(MONTREUIL)), ..of_tri.clone() }, 0, 10).await, (vec![1], 1));
    assert_eq!(list(DepositFilter { dataset: Some("autre".to_owned()), ..of_tri.clone() }, 0, 10).await, (vec![], 0));
    assert_eq!(list(DepositFilter { state: Some(DepositState::Accepted), ..of_tri.clone() }, 0, 10).await, (vec![], 0));
    assert_eq!(list(DepositFilter { state: Some(DepositState::Received), ..of_tri }, 2, 10).await, (vec![0], 3));
}

async fn the_same_bytes_are_found_again(ground: &Ground) {
    let store = &ground.app.store;
    let (tri, other) = (ground.convention("tri-demandes-2026").await, ground.convention("autre").await);
    let by = ground.account(PARIS).await;
    let d = ground.deposit(tri, by, PARIS, Some("2026-03")).await.unwrap();
    let same = async |convention, site: &str, period: Option<&str>| {
        let period = period.map(|p| p.parse().unwrap());
        store.same_deposit(convention, &siren(site), "demandes", period, &d.sha256, None).await.unwrap().map(|d| d.id)
    };
    assert_eq!(same(tri, PARIS, Some("2026-03")).await, Some(d.id));
    assert_eq!(same(tri, MONTREUIL, Some("2026-03")).await, None);
    assert_eq!(same(tri, PARIS, Some("2026-04")).await, None);
    assert_eq!(same(tri, PARIS, None).await, None);
    assert_eq!(same(other, PARIS, Some("2026-03")).await, None);
    let mut tx = store.begin().await.unwrap();
    assert!(tx.same_deposit(tri, &d.site, "demandes", d.period, &d.sha256, None).await.unwrap().is_some());
    let read_otherwise = tx.same_deposit(tri, &d.site, "demandes", d.period, &d.sha256, Some("{\"delimiter\":\",\"}")).await.unwrap();
    assert!(read_otherwise.is_none(), "the same bytes read otherwise are another deposit");
    tx.withdraw_deposit(d.id, DepositState::Received, "mauvais mois", ground.app.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(same(tri, PARIS, Some("2026-03")).await, None);
    assert_eq!(store.deposit(d.id).await.unwrap().unwrap().reason.as_deref(), Some("mauvais mois"));
}

async fn accept(ground: &Ground, id: retex::ids::DepositId) -> retex::error::Result<Accepted> {
    let mut tx = ground.app.store.begin().await?;
    tx.start_check(id).await?;
    let accepted = tx.accept_deposit(id, "{\"valid\":true}", 10, "tables/x", ground.app.clock.now()).await?;
    tx.commit().await?;
    Ok(accepted)
}

async fn a_later_deposit_takes_the_place_of_an_earlier_one(ground: &Ground) {
    let store = &ground.app.store;
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    for period in [None, Some("2026-03")] {
        let first = ground.deposit(convention, by, PARIS, period).await.unwrap();
        ground.app.clock.advance(TimeDelta::seconds(1));
        let second = ground.deposit(convention, by, PARIS, period).await.unwrap();
        assert_eq!(accept(ground, first.id).await.unwrap(), Accepted::Current { superseded: None });
        assert_eq!(accept(ground, second.id).await.unwrap(), Accepted::Current { superseded: Some(first.id) });
        let first = store.deposit(first.id).await.unwrap().unwrap();
        assert_eq!((first.state, first.superseded_by), (DepositState::Superseded, Some(second.id)));
        assert_eq!(store.deposit_report(second.id).await.unwrap().as_deref(), Some("{\"valid\":true}"));
    }
    let current = store.current_deposits(convention).await.unwrap();
    assert_eq!(current.len(), 2, "one without a month and one for March");
    assert!(current.iter().all(|d| d.state == DepositState::Accepted && d.rows == Some(10) && d.step.is_none()));
    assert_eq!(current[0].period, None);
}

async fn an_earlier_deposit_checked_late_does_not_count(ground: &Ground) {
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    let first = ground.deposit(convention, by, PARIS, None).await.unwrap();
    ground.app.clock.advance(TimeDelta::milliseconds(1));
    let second = ground.deposit(convention, by, PARIS, None).await.unwrap();
    accept(ground, second.id).await.unwrap();
    assert_eq!(accept(ground, first.id).await.unwrap(), Accepted::Superseded { by: second.id });
    let current = ground.app.store.current_deposits(convention).await.unwrap();
    assert_eq!(current.iter().map(|d| d.id).collect::<Vec<_>>(), [second.id]);
}

async fn checks_that_end_at_once_leave_one_current_deposit(ground: &Ground) {
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    let mut made = Vec::new();
    for _ in 0..8 {
        made.push(ground.deposit(convention, by, PARIS, Some("2026-03")).await.unwrap().id);
        ground.app.clock.advance(TimeDelta::milliseconds(1));
    }
    futures::future::join_all(made.iter().map(|id| async {
        // As the queue does: a transaction that lost a race is tried again.
        while let Err(error) = accept(ground, *id).await {
            assert_eq!(error.kind, Kind::Conflict, "{error:?}");
        }
    }))
    .await;
    let current = ground.app.store.current_deposits(convention).await.unwrap();
    assert_eq!(current.iter().map(|d| d.id).collect::<Vec<_>>(), made[7..]);
    for id in &made[..7] {
        assert_eq!(ground.app.store.deposit(*id).await.unwrap().unwrap().state, DepositState::Superseded);
    }
}

async fn a_decided_deposit_does_not_change_its_mind(ground: &Ground) {
    let (store, now) = (&ground.app.store, ground.app.clock.now());
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    let d = ground.deposit(convention, by, PARIS, None).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.reject_deposit(d.id, "{}", None, now).await.unwrap_err().kind, Kind::Conflict, "its check has not begun");
    tx.start_check(d.id).await.unwrap();
    tx.start_check(d.id).await.unwrap();
    tx.commit().await.unwrap();
    store.note_progress(d.id, "checking", Some(40)).await.unwrap();
    let seen = store.deposit(d.id).await.unwrap().unwrap();
    assert_eq!((seen.step.as_deref(), seen.progress), (Some("checking"), Some(40)));
    let mut tx = store.begin().await.unwrap();
    tx.reject_deposit(d.id, "{\"valid\":false}", Some(3), now).await.unwrap();
    tx.commit().await.unwrap();
    store.note_progress(d.id, "recording", None).await.unwrap();
    let seen = store.deposit(d.id).await.unwrap().unwrap();
    assert_eq!((seen.state, seen.step, seen.rows, seen.decided_at), (DepositState::Rejected, None, Some(3), Some(now)));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(tx.start_check(d.id).await.unwrap_err().code, "deposit_state");
    assert_eq!(tx.withdraw_deposit(d.id, DepositState::Received, "", now).await.unwrap_err().code, "deposit_state");
    assert_eq!(tx.accept_deposit(d.id, "{}", 1, "k", now).await.unwrap_err().code, "deposit_state");
}

async fn deposits_belong_to_all_versions_of_a_convention(ground: &Ground) {
    let by = ground.account(PARIS).await;
    let first = ground.convention("tri-demandes-2026").await;
    let before = ground.deposit(first, by, PARIS, None).await.unwrap();
    accept(ground, before.id).await.unwrap();
    let second = ground.convention("tri-demandes-2026").await;
    assert_eq!(ground.app.store.current_deposits(second).await.unwrap().len(), 1);
    ground.app.clock.advance(TimeDelta::seconds(1));
    let after = ground.deposit(second, by, PARIS, None).await.unwrap();
    accept(ground, after.id).await.unwrap();
    let current = ground.app.store.current_deposits(first).await.unwrap();
    assert_eq!(current.iter().map(|d| d.id).collect::<Vec<_>>(), [after.id]);
}

async fn many_writers_do_not_get_in_each_others_way(ground: &Ground) {
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    let made = futures::future::join_all((0..40).map(|_| async {
        let deposit = ground.deposit(convention, by, PARIS, None).await?;
        ground.app.store.note_progress(deposit.id, "reading", Some(1)).await?;
        ground.app.store.deposit(deposit.id).await?;
        Ok::<_, retex::error::Error>(deposit.number)
    }))
    .await;
    let numbers: BTreeSet<String> = made.into_iter().map(|n| n.unwrap()).collect();
    assert_eq!(numbers, (1..=40).map(|n| format!("D-2026-{n:06}")).collect());
}

async fn what_is_not_committed_is_not_there(ground: &Ground) {
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    let mut tx = ground.app.store.begin().await.unwrap();
    let entry = entry(ground, Some(PARIS), "deposit.receive");
    audit::append(&mut tx, &entry).await.unwrap();
    tx.enqueue(&ground.app.clock, &retex::jobs::Job::Evaluate { convention }).await.unwrap();
    drop(tx);
    assert_eq!(ground.app.store.audit(&AuditFilter::default(), Page::ALL).await.unwrap(), (vec![], 0));
    assert_eq!(ground.app.store.job_counts().await.unwrap().waiting, 0);
    // The number that a dropped transaction took is given to the next one.
    assert_eq!(ground.deposit(convention, by, PARIS, None).await.unwrap().number, "D-2026-000001");
}

async fn times_sort_as_time_does(ground: &Ground) {
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    let mut made = Vec::new();
    // Whole seconds, milliseconds and microseconds are written with different lengths.
    for step in [1, 999, 1_000, 1, 998_000, 1_000_000, 1] {
        made.push(ground.deposit(convention, by, PARIS, None).await.unwrap().id);
        ground.app.clock.advance(TimeDelta::microseconds(step));
    }
    made.reverse();
    let (rows, _) = ground.app.store.deposits(&DepositFilter::default(), Page::ALL).await.unwrap();
    assert_eq!(rows.iter().map(|d| d.id).collect::<Vec<_>>(), made);
    assert!(rows.is_sorted_by(|a, b| a.created_at > b.created_at));
}

async fn a_snapshot_of_the_same_inputs_is_the_same(ground: &Ground) {
    let store = &ground.app.store;
    let convention = ground.convention("tri-demandes-2026").await;
    assert!(store.latest_evaluation(convention).await.unwrap().is_none());
    let keep = async |inputs: &str, is_final| {
        let new = NewEvaluation {
            id: EvaluationId(ground.app.clock.id()),
            convention_id: convention,
            is_final,
            inputs_sha256: inputs.to_owned(),
            body: format!("{{\"of\":\"{inputs}\"}}"),
            created_at: ground.app.clock.now(),
            created_by: None,
        };
        let mut tx = store.begin().await.unwrap();
        let row = tx.insert_evaluation(&new).await.unwrap();
        tx.commit().await.unwrap();
        row.head.number
    };
    assert_eq!(keep("a", false).await, 1);
    assert_eq!(keep("a", false).await, 1);
    assert_eq!(keep("b", false).await, 2);
    assert_eq!(keep("a", false).await, 3, "what counted before counts again");
    assert_eq!(keep("a", true).await, 4);
    let latest = store.latest_evaluation(convention).await.unwrap().unwrap();
    assert_eq!((latest.head.number, latest.head.is_final, latest.body.as_str()), (4, true, "{\"of\":\"a\"}"));
    assert_eq!(store.evaluation(convention, 2).await.unwrap().unwrap().body, "{\"of\":\"b\"}");
    assert!(store.evaluation(convention, 5).await.unwrap().is_none());
    assert_eq!(store.evaluations(convention).await.unwrap().iter().map(|h| h.number).collect::<Vec<_>>(), [4, 3, 2, 1]);
}

async fn summaries_are_kept_once(ground: &Ground) {
    let store = &ground.app.store;
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    let deposit = ground.deposit(convention, by, PARIS, None).await.unwrap();
    let row = |deposit: &str, indicator: &str, body: &str| SummaryRow {
        deposit_sha256: deposit.to_owned(),
        indicator_sha256: indicator.to_owned(),
        body: body.to_owned(),
    };
    let rows = [row(&deposit.sha256, "i1", "1"), row(&deposit.sha256, "i2", "2"), row("other", "i1", "3"), row("other", "i1", "4")];
    let mut tx = store.begin().await.unwrap();
    tx.put_summaries(&rows).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(store.summary("other", "i1").await.unwrap().as_deref(), Some("3"));
    assert_eq!(store.summary("other", "i2").await.unwrap(), None);
    assert_eq!(store.summaries(convention).await.unwrap(), [], "the deposit does not count yet");
    accept(ground, deposit.id).await.unwrap();
    assert_eq!(store.summaries(convention).await.unwrap(), rows[..2]);
}

async fn rex_answers_are_not_lost_to_a_race(ground: &Ground) {
    let store = &ground.app.store;
    let convention = ground.convention("tri-demandes-2026").await;
    let by = ground.account(PARIS).await;
    let put = async |answers: &str, seen| {
        let new = RexAnswers { answers: answers.to_owned(), seen, updated_at: ground.app.clock.now(), updated_by: by, submitted_at: None };
        let mut tx = store.begin().await?;
        let version = tx.put_rex(convention, &siren(PARIS), &new).await?;
        tx.commit().await?;
        Ok::<_, retex::error::Error>(version)
    };
    assert_eq!(put("{\"q\":1}", 3).await.unwrap_err().code, "rex_changed", "there was nothing to see");
    assert_eq!(put("{\"q\":1}", 0).await.unwrap(), 1);
    assert_eq!(put("{\"q\":2}", 0).await.unwrap_err().kind, Kind::Conflict);
    assert_eq!(put("{\"q\":3}", 1).await.unwrap(), 2);
    assert_eq!(put("{\"q\":4}", 1).await.unwrap_err().kind, Kind::Conflict);
    let row = store.rex(convention, &siren(PARIS)).await.unwrap().unwrap();
    assert_eq!((row.answers.as_str(), row.version, row.updated_by), ("{\"q\":3}", 2, by));
    assert!(store.rex(convention, &siren(MONTREUIL)).await.unwrap().is_none());
    assert_eq!(store.rex_of(convention).await.unwrap(), [row]);
}

fn entry(ground: &Ground, organisation: Option<&str>, act: &'static str) -> Entry {
    Entry {
        at: ground.app.clock.now(),
        actor: Actor::System,
        organisation: organisation.map(siren),
        act,
        object: "deposit/1".to_owned(),
        outcome: "ok",
        detail: json!({"fichier": "été.csv"}),
    }
}

async fn append(ground: &Ground, organisation: Option<&str>, act: &'static str) {
    let mut tx = ground.app.store.begin().await.unwrap();
    audit::append(&mut tx, &entry(ground, organisation, act)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn the_trail_holds(ground: &Ground) {
    let store = &ground.app.store;
    assert_eq!(audit::verify(store).await.unwrap(), []);
    for (organisation, act) in [(Some(PARIS), "a"), (None, "b"), (Some(PARIS), "c"), (Some(MONTREUIL), "a"), (Some(PARIS), "d")] {
        append(ground, organisation, act).await;
        ground.app.clock.advance(TimeDelta::microseconds(1));
    }
    assert_eq!(audit::verify(store).await.unwrap(), []);
    let list = async |filter: AuditFilter| {
        let (rows, count) = store.audit(&filter, Page { offset: 0, limit: 2 }).await.unwrap();
        (rows.into_iter().map(|r| (r.organisation, r.seq, r.act)).collect::<Vec<_>>(), count)
    };
    let row = |o: &str, seq: i64, act: &str| (o.to_owned(), seq, act.to_owned());
    assert_eq!(list(AuditFilter::default()).await, (vec![row(PARIS, 3, "d"), row(MONTREUIL, 1, "a")], 5));
    let of_paris = AuditFilter { organisation: Some(PARIS.to_owned()), ..AuditFilter::default() };
    assert_eq!(list(of_paris.clone()).await, (vec![row(PARIS, 3, "d"), row(PARIS, 2, "c")], 3));
    assert_eq!(list(AuditFilter { act: Some("a".to_owned()), ..of_paris }).await, (vec![row(PARIS, 1, "a")], 1));
    let until = AuditFilter { until: Some(crate::ground::morning() + TimeDelta::microseconds(2)), ..AuditFilter::default() };
    assert_eq!(list(until).await, (vec![row("", 1, "b"), row(PARIS, 1, "a")], 2));
}

async fn a_touched_trail_is_found(ground: &Ground) {
    let store = &ground.app.store;
    for act in ["a", "b", "c"] {
        append(ground, Some(PARIS), act).await;
        append(ground, None, act).await;
    }
    let broken = |seq| vec![Broken { organisation: PARIS.to_owned(), seq }];
    ground.raw(&format!("UPDATE audit SET outcome = 'denied' WHERE organisation = '{PARIS}' AND seq = 2")).await;
    assert_eq!(audit::verify(store).await.unwrap(), broken(2));
    ground.raw(&format!("UPDATE audit SET outcome = 'ok' WHERE organisation = '{PARIS}' AND seq = 2")).await;
    assert_eq!(audit::verify(store).await.unwrap(), []);
    // A cut tail leaves a shorter chain that holds in itself: only the chain's end tells.
    ground.raw(&format!("DELETE FROM audit WHERE organisation = '{PARIS}' AND seq = 3")).await;
    assert_eq!(audit::verify(store).await.unwrap(), broken(3));
    ground.raw(&format!("DELETE FROM audit WHERE organisation = '{PARIS}' AND seq = 1")).await;
    assert_eq!(audit::verify(store).await.unwrap(), broken(1));
}

async fn entries_appended_at_once_make_one_chain(ground: &Ground) {
    futures::future::join_all((0..20).map(|_| append(ground, Some(PARIS), "deposit.receive"))).await;
    assert_eq!(audit::verify(&ground.app.store).await.unwrap(), []);
    assert_eq!(ground.app.store.audit_heads().await.unwrap()[0].seq, 20);
}
