//! Who may do what, operation by operation: every operation of the OpenAPI document and every route of the pages, for every role, on what
//! is their own site's, another site's of the same experiment, another experiment's, and an ended experiment's.
//!
//! [`API`] and [`PAGES`] are the rules. An operation or a route without a line fails the test: write its line here. A letter grants the role
//! in that column; everything else must be denied, and what is foreign to a site must be answered byte for byte like what does not exist.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use axum::{
    body::Body,
    http::{Request, header},
};
use chrono::TimeDelta;
use regex::Regex;
use retex::{
    convention::{
        Convention,
        draft::{self, Remark, Start},
        perimeter::Role,
        register,
    },
    ids::{AccountId, Siren},
    store::{Page, accounts::Token},
};
use serde_json::{Value as Json, json};

use crate::{
    http::{CSRF, Hub, MONTREUIL, import_changed, read, samples, sha},
    uploads::base64,
};

/// Letter, name of the session and of the token.
///
/// `X` is a contributor of a site that takes part in none of the experiments.
const ROLES: [(char, &str); 7] = [
    ('C', "contributor"),
    ('S', "signatory"),
    ('X', "stranger"),
    ('A', "analyst"),
    ('O', "officer"),
    ('D', "data_protection_officer"),
    ('M', "administrator"),
];

/// What an operation is about, in the order of the columns.
const TARGETS: [&str; 4] = ["own", "other site", "other convention", "ended"];

/// Operation | own site | other site | other convention | ended convention. One column alone where it is about nothing in particular. `=`
/// says that this hub has no object for such a case: all that is checked then is that nothing opens without a token, and the tests of that part
/// say who may.
const API: &str = "
GET /me                                              | CSXAODM
GET /conventions                                     | CSXAODM
POST /conventions                                    | O
POST /convention-checks                              | O
GET /conventions/{id}                                | CSAODM | = | AODM | CSAODM
GET /conventions/{id}/agreement                      | CSAODM | = | AODM | CSAODM
GET /conventions/{id}/versions/{version}             | CSAODM | = | AODM | CSAODM
GET /conventions/{id}/convention.pdf                 | CSAODM | = | AODM | CSAODM
GET /conventions/{id}/versions/{version}/convention.pdf | CSAODM | = | AODM | CSAODM
POST /conventions/{id}/versions/{version}/withdrawal | O      | = | O    |
POST /conventions/{id}/termination                   | O      | = | O    |
GET /conventions/{id}/versions/{version}/differences | CSAODM | = | AODM | =
GET /conventions/{id}/datasets/{dataset}/{file}      | CSAODM | = | AODM | CSAODM
GET /conventions/{id}/evaluations/latest             | CSAO   | = | AO   | CSAO
GET /conventions/{id}/comparison/{form}              | CSAO   | = | AO   | CSAO
GET /conventions/{id}/report.pdf                     | AO     | = | AO   |
GET /conventions/{id}/report.html                    | AO     | = | AO   |
GET /deposits                                        | CSAODM
GET /deposits/{id}                                   | CSAO   | AO | AO  |
GET /deposits/{id}/report                            | CSAO   | AO | AO  |
GET /deposits/{id}/report.csv                        | CSAO   | AO | AO  |
GET /deposits/{id}/annotated.xlsx                    | =
POST /uploads                                        | C      |    |     |
PATCH /uploads/{id}                                  | =
POST /uploads/{id}                                   | =
DELETE /uploads/{id}                                 | =
POST /deposits                                       | C      |    |     |
POST /checks                                         | C      |    |     |
POST /deposits/{id}/confirmation                     | C      |    |     |
POST /deposits/{id}/reading                          | C      |    |     |
GET /deposits/{id}/correction                        | C      |    |     |
POST /deposits/{id}/correction                       | C      |    |     |
GET /deposits/{id}/changes                           | CSAO   | AO | AO  |
GET /deposits/{id}/differences                       | CSAO   | AO | AO  |
GET /accounts                                        | OM
POST /accounts                                       | OM
GET /accounts/{id}                                   | OM
POST /accounts/{id}/invitation                       | OM
PUT /accounts/{id}/role                              | M
PUT /accounts/{id}/disabled                          | M
DELETE /accounts/{id}/sessions                       | M
DELETE /accounts/{id}/second-factor                  | M
GET /tokens                                          | CSXAODM
POST /tokens                                         | M
DELETE /tokens/{id}                                  | CM
GET /drafts                                          | CSXAODM
POST /drafts                                         | O
GET /drafts/{id}                                     | CSAOD  | = | O   |
GET /drafts/{id}/check                               | CSAOD  | = | O   |
GET /drafts/{id}/comments                            | CSAOD  | = | O   |
POST /drafts/{id}/comments                           | CSAOD  | = | O   |
POST /drafts/{id}/comments/{comment}/resolve         | O      | = | O   |
PUT /drafts/{id}                                     | O      | = | O   |
POST /drafts/{id}/review                             | O      | = | O   |
DELETE /drafts/{id}/review                           | O      | = | O   |
POST /drafts/{id}/open                               | O      | = | O   |
DELETE /drafts/{id}                                  | O      | = | O   |
GET /audit                                           | DM
GET /audit/heads                                     | DM
GET /register                                        | DM
GET /holds                                           | OD
POST /holds                                          | =
POST /holds/{id}/lifting                             | =
GET /purges                                          | OD
GET /purges/{id}                                     | =
GET /purges/{id}/bordereau.pdf                       | =
GET /purges/{id}/package                             | =
POST /purges/{id}/visa                               | =
POST /purges/{id}/refusal                            | =
POST /purges/{id}/transfer                           | =
GET /removals                                        | CSXOD
POST /removals                                       | =
POST /removals/{id}/answer                           | =
";

/// A hub with three experiments, of which one is over for good, and a draft.
struct Matrix {
    hub: Hub,
    /// By target and name of the parameter.
    ids: BTreeMap<(&'static str, &'static str), String>,
}

impl Matrix {
    async fn new() -> Self {
        let hub = Hub::with(&["tri-demandes", "depots-sauvages"]).await;
        let app = &hub.ground.app;
        let accounts = app.store.accounts().await.unwrap();
        let account = |role: &str| accounts.iter().find(|a| a.email == format!("{role}@retex.example")).unwrap().clone();
        let officer = account("officer");
        // The heating experiment ended in 2024, and its data were to be kept for a month.
        import_changed(&hub.ground, &samples("chauffage"), officer.id, |json| {
            json["retention"]["months"] = 1.into();
        })
        .await;
        let actor = retex::access::bearer(app, "token-officer").await.unwrap();
        assert_eq!(actor.role, Role::Officer);
        let mut ids = BTreeMap::new();
        let names = [("own", "tri-demandes"), ("other convention", "depots-sauvages"), ("ended", "chauffage")];
        for (target, sample) in names {
            let json = Convention::load_file(&samples(sample).join("convention.yaml")).unwrap().json;
            ids.insert((target, "convention"), json["id"].as_str().unwrap().to_owned());
            if target != "ended" {
                let mut copy = json.clone();
                copy["id"] = format!("brouillon-{sample}").into();
                let draft = draft::create(app, &actor, Start::Document(copy)).await.unwrap();
                if target == "own" {
                    draft::send_to_review(app, &actor, draft.id, draft.revision).await.unwrap();
                }
                ids.insert((target, "draft"), draft.id.to_string());
                let remark = Remark { pointer: None, change: false, text: "Une remarque".into() };
                ids.insert((target, "comment"), draft::comment(app, &actor, draft.id, remark).await.unwrap().id.to_string());
                // A second version, which waits for signatures: what it changes can be read.
                let mut amended = json;
                amended["summary"] = "Un avenant".into();
                register::open(app, &actor, amended).await.unwrap();
            }
        }
        let (deposits, _) = app.store.deposits(&Default::default(), Page::ALL).await.unwrap();
        let accepted = |convention: &str, own: bool| {
            let own: &dyn Fn(&Siren) -> bool = if own { &|s| s.as_str() == MONTREUIL } else { &|s| s.as_str() != MONTREUIL };
            let found = deposits.iter().find(|d| d.convention.starts_with(convention) && own(&d.site) && d.state.to_string() == "accepted");
            found.unwrap_or_else(|| panic!("{convention}")).id.to_string()
        };
        ids.insert(("own", "deposit"), accepted("tri-demandes", true));
        ids.insert(("other site", "deposit"), accepted("tri-demandes", false));
        ids.insert(("other convention", "deposit"), accepted("depots-sauvages", false));
        ids.insert(("ended", "deposit"), accepted("chauffage", true));
        ids.insert(("own", "account"), account("contributor").id.to_string());
        let tokens = app.store.tokens(account("contributor").id).await.unwrap();
        ids.insert(("own", "token"), tokens[0].id.to_string());
        Self { hub, ids }
    }

    /// The kind of object that a path is about, if it is about one.
    fn kind(path: &str) -> Option<&'static str> {
        let kinds = [
            ("/conventions/{id}", "convention"),
            ("/experimentations/{name}", "convention"),
            ("/deposits", "deposit"),
            ("/checks", "deposit"),
            ("/uploads", "deposit"),
            ("/depots/{id}", "deposit"),
            ("/drafts/{id}", "draft"),
            ("/conventions/brouillons/{id}", "draft"),
            ("/accounts/{id}", "account"),
            ("/tokens/{id}", "token"),
        ];
        kinds.into_iter().find(|(start, _)| path.starts_with(start)).map(|(_, kind)| kind)
    }

    /// The path for a target; none where there is no such object.
    fn path(&self, path: &str, target: &'static str) -> Option<String> {
        let absent = target == "absent";
        let convention = |t: &'static str| self.ids.get(&(t, "convention")).cloned();
        let filled = match Self::kind(path) {
            _ if matches!(path, "/deposits" | "/checks" | "/uploads") => {
                let site = if target == "other site" { "219300084" } else { MONTREUIL };
                let name = if absent { "aucune".to_owned() } else { convention(if target == "other site" { "own" } else { target })? };
                let dataset = if target == "ended" {
                    "releves"
                } else if target == "other convention" {
                    "interventions"
                } else {
                    "demandes"
                };
                format!("{path}?convention={name}&dataset={dataset}&period=2026-06&filename=a.csv&name=a.csv&site={site}")
            }
            Some(kind) => {
                let id = match (absent, kind) {
                    (true, "convention") => "aucune".to_owned(),
                    (true, _) => "01890000-0000-7000-8000-000000000000".to_owned(),
                    _ => self.ids.get(&(target, kind))?.clone(),
                };
                path.replacen("{id}", &id, 1).replacen("{name}", &id, 1)
            }
            None => path.to_owned(),
        };
        let comment = self.ids.get(&(target, "comment")).map_or("01890000-0000-7000-8000-000000000001", String::as_str);
        let version = if path.ends_with("/differences") { "2" } else { "1" };
        let dataset = match target {
            "other convention" => "signalements",
            "ended" => "releves",
            _ => "demandes",
        };
        let file = if path.contains("/comparaison/") { "comparaison.csv" } else { "template.csv" };
        let filled = filled.replace("{dataset}", dataset).replace("{file}", file).replace("{form}", "csv");
        let filled = filled.replace("{version}", version).replace("{n}", version).replace("{comment}", comment);
        Some(Regex::new(r"\{[a-z_]+\}").unwrap().replace_all(&filled, "01890000-0000-7000-8000-000000000000").into_owned())
    }

    fn body(&self, operation: &str) -> Body {
        let json = match operation {
            "POST /deposits" | "POST /checks" => return Body::from("id_demande;date_depot;bras\nD000001;2026-06-02;assistant\n"),
            "POST /accounts" => {
                json!({"email": format!("{}@exemple.fr", self.hub.ground.app.clock.id()), "name": "Sam", "role": "contributor", "site": MONTREUIL})
            }
            "PUT /accounts/{id}/role" => json!({"role": "signatory", "site": MONTREUIL}),
            "PUT /accounts/{id}/disabled" => json!({"disabled": false}),
            "POST /tokens" => {
                let until = self.hub.ground.app.clock.now() + TimeDelta::days(30);
                let account = &self.ids[&("own", "account")];
                json!({"account": account, "name": "Service", "expires_at": until, "scope": {"sites": [], "datasets": [], "verbs": ["read"]}})
            }
            "POST /deposits/{id}/confirmation" => json!({"reason": "Des références"}),
            "POST /deposits/{id}/reading" => json!({"delimiter": ","}),
            "POST /conventions/{id}/versions/{version}/withdrawal" => json!({"reason": "Une erreur"}),
            // A day that is past, so that nothing ends.
            "POST /conventions/{id}/termination" => json!({"on": "2026-01-01", "reason": "Une erreur"}),
            "POST /drafts" => json!({"model": "Un essai"}),
            "POST /drafts/{id}/comments" => json!({"text": "Une remarque"}),
            "PUT /drafts/{id}" => json!({"id": "brouillon"}),
            _ => return Body::empty(),
        };
        Body::from(json.to_string())
    }

    async fn ask(&self, operation: &str, path: &str, token: Option<&str>) -> (u16, String) {
        let method = operation.split(' ').next().unwrap();
        let json = !matches!(operation, "POST /deposits" | "POST /checks");
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}")).header(header::IF_MATCH, "\"0\"");
        if method != "GET" {
            request = request.header(header::CONTENT_TYPE, if json { "application/json" } else { "application/octet-stream" });
        }
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some((_, query)) = path.split_once('?').filter(|_| path.starts_with("/uploads")) {
            // What other operations are told in the address, this one is told in a header.
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let metadata: Vec<String> = pairs.map(|(name, value)| format!("{name} {}", base64(value.as_bytes()))).collect();
            request = request.header("upload-length", 12).header("upload-metadata", metadata.join(","));
        }
        if path.starts_with("/uploads") {
            request = request.header("tus-resumable", "1.0.0");
        }
        let body = if method == "GET" { Body::empty() } else { self.body(operation) };
        let (status, text) = read(self.hub.send(request.body(body).unwrap()).await).await;
        (status.as_u16(), text)
    }

    /// Another token of an account.
    async fn token(&self, name: &str, account: AccountId, change: impl FnOnce(&mut Token)) -> retex::ids::TokenId {
        let app = &self.hub.ground.app;
        let mut tx = app.store.begin().await.unwrap();
        let mut token =
            app.store.tokens(account).await.unwrap().into_iter().find(|t| t.revoked_at.is_none() && t.expires_at.is_none()).unwrap();
        (token.id, token.sha256) = (retex::ids::TokenId(app.clock.id()), sha(name));
        change(&mut token);
        tx.insert_token(&token).await.unwrap();
        tx.commit().await.unwrap();
        token.id
    }
}

/// The rules by operation: the roles of each target.
fn rules(table: &str) -> BTreeMap<String, Vec<String>> {
    let line = |line: &str| {
        let mut cells = line.split('|').map(|cell| cell.trim().to_owned());
        (cells.next().unwrap(), cells.collect::<Vec<_>>())
    };
    table.lines().filter(|l| !l.trim().is_empty()).map(line).collect()
}

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

async fn operations(hub: &Hub) -> BTreeSet<String> {
    let request = Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap();
    let (_, text) = read(hub.send(request).await).await;
    let document: Json = serde_json::from_str(&text).unwrap();
    let of = |(path, item): (&String, &Json)| {
        let path = path.strip_prefix("/api/v1").unwrap_or(path).to_owned();
        let methods = item.as_object().unwrap().keys().filter(|k| METHODS.contains(&k.as_str())).map(|m| m.to_uppercase());
        methods.map(move |method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    document["paths"].as_object().unwrap().iter().flat_map(of).collect()
}

fn denied(status: u16) -> bool {
    matches!(status, 401 | 403 | 404)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_for_those_that_its_rule_names() {
    let matrix = Matrix::new().await;
    let rules = rules(API);
    let known = operations(&matrix.hub).await;
    let without: Vec<_> = known.iter().filter(|o| !rules.contains_key(*o)).collect();
    assert!(without.is_empty(), "operations without a rule in {}: {without:?}", file!());
    let gone: Vec<_> = rules.keys().filter(|o| !known.contains(*o)).collect();
    assert!(gone.is_empty(), "rules without an operation: {gone:?}");

    let accounts = matrix.hub.ground.app.store.accounts().await.unwrap();
    let contributor = accounts.iter().find(|a| a.email == "contributor@retex.example").unwrap().id;
    let mut faults = Vec::new();
    // Those who may not come first: what the others do changes the objects. What takes away comes last.
    let mut ordered: Vec<_> = rules.iter().collect();
    ordered.sort_by_key(|(operation, _)| (operation.starts_with("DELETE"), operation.contains("/open")));
    for may in [false, true] {
        for (operation, cells) in &ordered {
            let path = operation.split(' ').nth(1).unwrap();
            for (target, roles) in TARGETS.into_iter().zip(cells.iter()).filter(|(_, roles)| *roles != "=") {
                let Some(mut filled) = matrix.path(path, target) else { continue };
                for (letter, role) in ROLES.into_iter().filter(|(letter, _)| roles.contains(*letter) == may) {
                    if *operation == "DELETE /tokens/{id}" && letter != 'C' {
                        // Each takes away one that is there; a program gives its own back.
                        let id = matrix.token(&format!("of-{letter}-{may}"), contributor, |_| ()).await;
                        filled = format!("/tokens/{id}");
                    }
                    let answer = matrix.ask(operation, &filled, Some(&format!("token-{role}"))).await;
                    let ended = target == "ended" && answer.0 == 409;
                    if may == (denied(answer.0) || ended) {
                        faults.push(format!("{operation}, {target}: {letter} gets {} {}", answer.0, answer.1));
                    }
                    let of_a_site = matches!(letter, 'C' | 'S' | 'X');
                    let foreign = of_a_site && (letter == 'X' || target.starts_with("other"));
                    if !may && foreign && Matrix::kind(path).is_some_and(|kind| !matches!(kind, "account" | "token")) {
                        let absent = matrix.ask(operation, &matrix.path(path, "absent").unwrap(), Some(&format!("token-{role}"))).await;
                        if answer != absent {
                            faults.push(format!("{operation}, {target}: {letter} is told {answer:?} and not {absent:?}"));
                        }
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Without a token, with a revoked or an ended one, and with one whose scope lacks the verb, nothing opens.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_it_is_for_and_while_it_lives() {
    let matrix = Matrix::new().await;
    let app = &matrix.hub.ground.app;
    let now = app.clock.now();
    let accounts = app.store.accounts().await.unwrap();
    let scope = |verbs: &[&str]| Some(json!({"sites": [], "datasets": [], "verbs": verbs}).to_string());
    for (_, role) in ROLES {
        let id = accounts.iter().find(|a| a.email == format!("{role}@retex.example")).unwrap().id;
        matrix.token(&format!("revoked-{role}"), id, |t| t.revoked_at = Some(now)).await;
        matrix.token(&format!("ended-{role}"), id, |t| t.expires_at = Some(now - TimeDelta::seconds(1))).await;
        matrix.token(&format!("reads-{role}"), id, |t| t.scope = scope(&["read"])).await;
        matrix.token(&format!("deposits-{role}"), id, |t| t.scope = scope(&["deposit"])).await;
    }
    let mut faults = Vec::new();
    for (operation, cells) in rules(API) {
        let (method, path) = operation.split_once(' ').unwrap();
        let filled = matrix.path(path, "own").unwrap();
        let mut expect = async |token: Option<String>, wanted: &[u16]| {
            let answer = matrix.ask(&operation, &filled, token.as_deref()).await;
            if !wanted.contains(&answer.0) {
                faults.push(format!("{operation} with {token:?}: {answer:?}"));
            }
        };
        expect(None, &[401]).await;
        for (letter, role) in ROLES.into_iter().filter(|(letter, _)| cells[0].contains(*letter)) {
            expect(Some(format!("revoked-{role}")), &[401]).await;
            expect(Some(format!("ended-{role}")), &[401]).await;
            // A token that only sends files reads nothing, but what it has sent.
            let of_files = path.starts_with("/deposits") || path == "/checks" || path.starts_with("/me");
            if method == "GET" && !of_files {
                expect(Some(format!("deposits-{role}")), &[403, 404]).await;
            }
            if method != "GET" {
                expect(Some(format!("reads-{role}")), &[403, 404]).await;
            }
            let _ = letter;
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Lists, counts and what is inside documents: a site finds only its own in them.
#[tokio::test(flavor = "multi_thread")]
async fn lists_hold_what_is_ones_own() {
    let matrix = Matrix::new().await;
    let list = async |role: &str, path: &str| -> Json {
        let (status, text) = matrix.ask(&format!("GET {path}"), path, Some(&format!("token-{role}"))).await;
        assert_eq!(status, 200, "{role} {path}: {text}");
        serde_json::from_str(&text).unwrap()
    };
    let own = list("contributor", "/deposits?limit=1000").await;
    let deposits = own["deposits"].as_array().unwrap();
    assert!(!deposits.is_empty() && deposits.iter().all(|d| d["site"] == MONTREUIL), "{own}");
    assert_eq!(own["count"], deposits.len(), "the count too");
    assert!(deposits.iter().all(|d| !d["convention"].as_str().unwrap().starts_with("chauffage")), "nothing of what has ended: {own}");
    for asked in ["/deposits?site=219300084", "/deposits?site=219300084&dataset=demandes"] {
        let found = list("contributor", asked).await;
        assert!(found["deposits"].as_array().unwrap().iter().all(|d| d["site"] == MONTREUIL), "{asked}");
    }
    for blind in ["stranger", "data_protection_officer", "administrator"] {
        assert_eq!(list(blind, "/deposits").await["count"], 0, "{blind}");
    }
    assert_eq!(list("stranger", "/conventions").await, json!([]));
    let known = list("contributor", "/conventions").await.to_string();
    assert!(known.contains("tri-demandes-2026") && !known.contains("depots-sauvages"), "{known}");
    assert_eq!(list("stranger", "/drafts").await, json!([]));
    assert!(!list("contributor", "/drafts").await.to_string().contains("depots-sauvages"));
    let evaluation = list("contributor", &format!("/conventions/{}/evaluations/latest", matrix.ids[&("own", "convention")])).await;
    assert!(evaluation["evaluation"]["provenance"]["deposits"].as_array().unwrap().iter().all(|d| d["site"] == MONTREUIL));
}

/// Every route of the pages: method and path, from the sources of the routers.
pub fn routes() -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    walk(&root, &mut files);
    let route = Regex::new(r#"\.route\(\s*"([^"]+)",\s*([^\n]*)"#).unwrap();
    let method = Regex::new(r"\b(get|post|put|delete)\(").unwrap();
    let mut all = BTreeSet::new();
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "rs") && !f.starts_with(root.join("api"))) {
        let text = fs::read_to_string(file).unwrap();
        for found in route.captures_iter(&text) {
            all.extend(method.captures_iter(&found[2]).map(|m| format!("{} {}", m[1].to_uppercase(), &found[1])));
        }
    }
    all
}

/// Routes for which nobody needs to be signed in.
pub const OPEN: &[&str] = &[
    "GET /connexion",
    "POST /connexion",
    "POST /connexion/code",
    "GET /connexion/proconnect",
    "GET /connexion/proconnect/retour",
    "GET /invitation/{secret}",
    "POST /invitation/{secret}",
    "GET /mot-de-passe",
    "POST /mot-de-passe",
    "GET /mot-de-passe/{secret}",
    "POST /mot-de-passe/{secret}",
    "GET /reglement",
    "GET /accessibilite",
    "GET /donnees-personnelles",
    "GET /livez",
    "GET /readyz",
    "GET /assets/{name}",
];

/// As [`API`], for the pages that read: those who see the page. What is posted has its form's page above it, and the domain's function,
/// which the API's rules cover.
const PAGES: &str = "
GET /                                               | CSXAODM
GET /experimentations                               | CSXAODM
GET /experimentations/{name}                        | CSAODM | = | AODM | CSAODM
GET /experimentations/{name}/convention             | CSAODM | = | AODM | CSAODM
GET /experimentations/{name}/convention.json        | CSAODM | = | AODM | CSAODM
GET /experimentations/{name}/convention.yaml        | CSAODM | = | AODM | CSAODM
GET /experimentations/{name}/versions               | CSAODM | = | AODM | CSAODM
GET /experimentations/{name}/versions/{n}/differences | CSAODM | = | AODM | =
GET /experimentations/{name}/comparer               | CSAO   | = | AO   | CSAO
GET /experimentations/{name}/comparaison/{file}     | CSAO   | = | AO   | CSAO
GET /experimentations/{name}/evaluation             | AO     | = | AO   | AO
GET /experimentations/{name}/rapport.pdf            | AO     | = | AO   |
GET /experimentations/{name}/rapport.html           | AO     | = | AO   |
GET /depots                                         | CSXAO
GET /depots.csv                                     | CSXAO
GET /depots/{id}                                    | CSAO   | AO | AO  |
GET /depots/{id}/rapport.json                       | CSAO   | AO | AO  |
GET /depots/{id}/rapport.csv                        | CSAO   | AO | AO  |
GET /depots/{id}/retrait                            | C      |    |     |
GET /depots/{id}/confirmation                       | C      |    |     |
GET /depots/{id}/correction                         | C      |    |     |
GET /depots/{id}/differences                        | CSAO   | AO | AO  |
GET /compte                                         | CSXAODM
GET /compte/jetons                                  | CSXAODM
GET /compte/second-facteur                          | CSXAODM
GET /compte/courriels                               | CSXAODM
GET /administration/comptes                         | OM
GET /administration/comptes/nouveau                 | OM
GET /administration/jetons                          | M
GET /administration/journal                         | DM
GET /administration/journal.csv                     | DM
GET /administration/journal.json                    | DM
GET /administration/journal/tete.json               | DM
GET /registre-des-traitements                       | DM
GET /registre-des-traitements.csv                   | DM
GET /conventions                                    | CSXAODM
GET /conventions/nouvelle                           | O
GET /conventions/brouillons/{id}                    | CSAOD  | = | O   |
GET /conventions/brouillons/{id}/document           | CSAOD  | = | O   |
GET /conventions/brouillons/{id}/relecture          | CSAOD  | = | O   |
";

/// Routes that read and need more than a convention, a deposit or a draft to stand on: their own tests cover them.
const ELSEWHERE: &[&str] = &[
    "GET /experimentations/{name}/jeux/{dataset}/modele.csv",
    "GET /experimentations/{name}/jeux/{dataset}/modele.xlsx",
    "GET /experimentations/{name}/jeux/{dataset}/dictionnaire.md",
    "GET /experimentations/{name}/jeux/{dataset}/table-schema.json",
    "GET /experimentations/{name}/jeux/{dataset}/schema.json",
    "GET /depots/{id}/annote.xlsx",
    "GET /depots/{id}/corrections.csv",
    "GET /experimentations/{name}/indicateurs/{id}",
    "GET /experimentations/{name}/evaluation/arreter",
    "GET /experimentations/{name}/rex/{site}",
    "GET /depots/nouveau",
    "GET /depots/{id}/evenements",
    "GET /administration/comptes/{id}",
    "GET /administration/comptes/{id}/{act}",
    "GET /administration/journal/{organisation}/{seq}",
    "GET /administration/courriels",
    "GET /administration/courriels/{id}",
    "GET /administration/courriels/{id}/lettre.html",
    "GET /conventions/brouillons/{id}/{step}",
    "GET /conventions/brouillons/{id}/export/{file}",
    "GET /conventions/brouillons/{id}/jeux/{name}",
    "GET /conventions/brouillons/{id}/jeux/{name}/retrait",
    "GET /conventions/brouillons/{id}/etape/{act}",
    "GET /experimentations/{name}/convention.pdf",
    "GET /experimentations/{name}/convention/fin",
    "GET /experimentations/{name}/convention/retrait",
    "GET /experimentations/{name}/signature",
    "GET /experimentations/{name}/signature/document",
    "GET /experimentations/{name}/signature/document/{means}/{sha256}",
    "GET /experimentations/{name}/versions/{n}/convention.pdf",
    "GET /experimentations/{name}/versions/{n}/signatures/{party}",
    "GET /conservation",
    "GET /conservation/demandes/{id}",
    "GET /conservation/suspensions/nouvelle",
    "GET /conservation/suspensions/{id}/levee",
    "GET /conservation/{id}",
    "GET /conservation/{id}/bordereau.csv",
    "GET /conservation/{id}/bordereau.pdf",
    "GET /conservation/{id}/refus",
    "GET /conservation/{id}/versement",
    "GET /conservation/{id}/versement.zip",
    "GET /conservation/{id}/visa",
    "GET /conservation/{id}/visa.pdf",
    "GET /mes-donnees",
    "GET /mes-donnees/{name}",
    "GET /mes-donnees/{name}/retrait",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_for_those_that_its_rule_names() {
    let matrix = Matrix::new().await;
    let rules = rules(PAGES);
    let reads: BTreeSet<String> = routes().into_iter().filter(|r| r.starts_with("GET ")).collect();
    let covered = |r: &String| rules.contains_key(r) || OPEN.contains(&r.as_str()) || ELSEWHERE.contains(&r.as_str());
    let without: Vec<_> = reads.iter().filter(|r| !covered(r)).collect();
    assert!(without.is_empty(), "routes without a rule in {}: {without:?}", file!());
    let gone: Vec<_> = rules.keys().filter(|r| !reads.contains(*r)).collect();
    assert!(gone.is_empty(), "rules without a route: {gone:?}");
    let mut faults = Vec::new();
    for (route, cells) in &rules {
        let path = route.split(' ').nth(1).unwrap();
        for (target, roles) in TARGETS.into_iter().zip(cells).filter(|(_, roles)| *roles != "=") {
            let Some(filled) = matrix.path(path, target) else { continue };
            for (letter, role) in ROLES {
                let (status, text) = matrix.hub.get(role, &filled).await;
                let may = roles.contains(letter);
                // A report that is not there yet is said to those who may have it.
                let shown = status.is_success() || status.is_redirection() || target != "ended" && status == 409;
                let refused = denied(status.as_u16()) || target == "ended" && status == 409;
                if may != shown || !may && !refused {
                    faults.push(format!("{route}, {target}: {letter} gets {status}"));
                }
                let foreign = matches!(letter, 'C' | 'S' | 'X') && (letter == 'X' || target.starts_with("other"));
                if !may && foreign && Matrix::kind(path).is_some() {
                    let absent = matrix.hub.get(role, &matrix.path(path, "absent").unwrap()).await;
                    if (status, text) != absent {
                        faults.push(format!("{route}, {target}: {letter} is not told the same of what is absent ({})", absent.0));
                    }
                }
            }
            let (status, _) = matrix.hub.get("nobody", &filled).await;
            if status != 303 {
                faults.push(format!("{route}, {target}: nobody gets {status}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// Every form of a signed-in person carries its session's token: without it, nothing is done.
#[tokio::test(flavor = "multi_thread")]
async fn no_form_is_taken_without_its_token() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let deposit = hub.deposits(MONTREUIL).await[0].id.to_string();
    let mut faults = Vec::new();
    let posts: Vec<String> = routes().into_iter().filter(|r| r.starts_with("POST ")).collect();
    assert!(posts.len() > 20, "{posts:?}");
    let parameter = Regex::new(r"\{[a-z0-9]+\}").unwrap();
    for route in posts {
        let path = route.strip_prefix("POST ").unwrap();
        let path =
            path.replace("{name}", "tri-demandes-2026").replace("{site}", MONTREUIL).replace("/depots/{id}", &format!("/depots/{deposit}"));
        let path = parameter.replace_all(&path, "01890000-0000-7000-8000-000000000000").into_owned();
        if OPEN.contains(&route.as_str()) {
            // Nobody is signed in yet: what another site sends is refused by where it comes from.
            let request = Request::post(&path)
                .header("sec-fetch-site", "cross-site")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from("email=a@b.fr"));
            let (status, text) = read(hub.send(request.unwrap()).await).await;
            if status != 403 || !text.contains("autre site") {
                faults.push(format!("{route} from another site: {status}"));
            }
            continue;
        }
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nfaux\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\na;b\r\n--b--\r\n";
        for (role, body, kind) in [
            ("contributor", "", "application/x-www-form-urlencoded"),
            ("officer", "csrf=", "application/x-www-form-urlencoded"),
            ("administrator", "csrf=faux", "application/x-www-form-urlencoded"),
            ("contributor", multipart, "multipart/form-data; boundary=b"),
            ("officer", multipart, "multipart/form-data; boundary=b"),
        ] {
            let request = Request::post(&path)
                .header(header::COOKIE, format!("retex=session-{role}"))
                .header(header::CONTENT_TYPE, kind)
                .body(Body::from(body));
            let (status, text) = read(hub.send(request.unwrap()).await).await;
            // Refused for its form, or for the role: never taken.
            if !matches!(status.as_u16(), 400 | 403 | 404 | 415 | 422) || status == 403 && text.contains(CSRF) && text.is_empty() {
                faults.push(format!("{route}: {role} with «{body}» gets {status}"));
            }
        }
        // With no session at all, the way leads to the door.
        let request =
            Request::post(&path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(format!("csrf={CSRF}")));
        let (status, _) = read(hub.send(request.unwrap()).await).await;
        if !matches!(status.as_u16(), 303 | 400 | 401 | 403 | 415) {
            faults.push(format!("{route} without a session: {status}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
