//! Drawing up a convention: two officers at once, the parties' remarks, who may know of it, the editor's pages and the API.

use axum::{
    body::Body,
    http::{Request, Response, header},
};
use chrono::TimeDelta;
use retex::{
    access::Actor,
    convention::{
        draft::{self, Remark, Start},
        model,
        perimeter::Role,
    },
    error::Kind,
    http::router::router,
    ids::AccountId,
    store::{
        Page,
        accounts::{Account, Session, Token},
        drafts::Draft,
    },
};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::ground::Ground;

const MONTREUIL: &str = "219300480";
const BONDY: &str = "219300100";
const CSRF: &str = "jeton";

/// Someone with an account, a session `session-{who}` and a token `token-{who}`.
async fn person(ground: &Ground, who: &str, role: Role, site: Option<&str>) -> Actor {
    let clock = &ground.app.clock;
    let id = AccountId(clock.id());
    let sha = |text: String| hex::encode(Sha256::digest(text));
    let account = Account {
        id,
        email: format!("{who}@retex.example"),
        name: format!("Madame {who}"),
        role: role.to_string(),
        organisation: site.map(|s| s.parse().unwrap()),
        password_hash: None,
        created_at: clock.now(),
        disabled_at: None,
    };
    let mut tx = ground.app.store.begin().await.unwrap();
    tx.insert_account(&account).await.unwrap();
    tx.insert_session(&Session {
        token_sha256: sha(format!("session-{who}")),
        account_id: id,
        csrf: CSRF.to_owned(),
        created_at: clock.now(),
        expires_at: clock.now() + TimeDelta::days(1),
        last_seen_at: clock.now(),
        second_factor: None,
        device: None,
        id_token: None,
    })
    .await
    .unwrap();
    tx.insert_token(&Token {
        id: retex::ids::TokenId(clock.id()),
        account_id: id,
        name: "essai".to_owned(),
        sha256: sha(format!("token-{who}")),
        created_at: clock.now(),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
        scope: None,
        service: false,
        created_by: None,
    })
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let site = account.organisation;
    Actor {
        account: id,
        name: account.name,
        email: account.email,
        role,
        site,
        csrf: CSRF.to_owned(),
        token: None,
        session: None,
        second_factor: None,
        scope: None,
    }
}

struct Team {
    ground: Ground,
    officer: Actor,
    other: Actor,
    agent: Actor,
    stranger: Actor,
}

async fn team(ground: Ground) -> Team {
    Team {
        officer: person(&ground, "claire", Role::Officer, None).await,
        other: person(&ground, "hugo", Role::Officer, None).await,
        agent: person(&ground, "nadia", Role::Contributor, Some(MONTREUIL)).await,
        stranger: person(&ground, "paul", Role::Signatory, Some(BONDY)).await,
        ground,
    }
}

fn whole(title: &str) -> Json {
    let mut document = model::document();
    document["id"] = json!(model::slug(title));
    document["title"] = json!(title);
    document["parties"]["sites"] = json!([{"siren": MONTREUIL}]);
    document["period"] = json!({"start": "2026-04-01", "end": "2026-09-30"});
    document
}

impl Team {
    async fn draft(&self, document: Json) -> Draft {
        draft::create(&self.ground.app, &self.officer, Start::Document(document)).await.unwrap()
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        router(self.ground.app.clone()).oneshot(request).await.unwrap()
    }

    async fn get(&self, who: &str, path: &str) -> (u16, String) {
        let request = Request::get(path).header(header::COOKIE, format!("retex=session-{who}")).body(Body::empty()).unwrap();
        read(self.send(request).await).await
    }

    async fn post(&self, who: &str, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
        let body: String = [("csrf", CSRF)].iter().chain(fields).map(|(n, v)| format!("{}={}&", encode(n), encode(v))).collect();
        let request = Request::post(path)
            .header(header::COOKIE, format!("retex=session-{who}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        let response = self.send(request).await;
        let to = response.headers().get(header::LOCATION).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        let (status, text) = read(response).await;
        (status, to, text)
    }

    async fn api(&self, who: &str, method: &str, path: &str, seen: Option<i64>, body: Option<Json>) -> (u16, Json) {
        let mut request =
            Request::builder().method(method).uri(format!("/api/v1{path}")).header(header::AUTHORIZATION, format!("Bearer token-{who}"));
        if let Some(revision) = seen {
            request = request.header(header::IF_MATCH, format!("\"{revision}\""));
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |b| Body::from(b.to_string()));
        let (status, text) = read(self.send(request.body(body).unwrap()).await).await;
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}

fn encode(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

async fn read(response: Response<Body>) -> (u16, String) {
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

/// What a page's form would send, untouched.
fn form(page: &str) -> Vec<(String, String)> {
    let main = &page[page.find("<main").unwrap()..];
    let start = &main[main.find("<form method=\"post\"").unwrap()..];
    let page = &start[..start.find("</form>").unwrap()];
    let un = |text: &str| {
        let pairs = [("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&lt;", "<"), ("&#60;", "<"), ("&gt;", ">"), ("&#62;", ">")];
        let plain = pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        plain.replace("&#38;", "&").replace("&amp;", "&")
    };
    let attribute = |tag: &str, name: &str| {
        let at = tag.find(&format!(" {name}=\""))? + name.len() + 3;
        Some(un(&tag[at..at + tag[at..].find('"')?]))
    };
    let mut fields = Vec::new();
    for (at, _) in page.match_indices('<') {
        let tag = &page[at..at + page[at..].find('>').unwrap()];
        let Some(name) = attribute(tag, "name") else { continue };
        if tag.starts_with("<input") {
            if !tag.contains("type=\"checkbox\"") || tag.contains(" checked") {
                fields.push((name, attribute(tag, "value").unwrap_or_default()));
            }
        } else if tag.starts_with("<textarea") {
            let inner = &page[at + tag.len() + 1..];
            fields.push((name, un(&inner[..inner.find("</textarea>").unwrap()])));
        } else if tag.starts_with("<select") {
            let inner = &page[at..at + page[at..].find("</select>").unwrap()];
            let chosen =
                inner.find(" selected").map(|s| inner[..s].rfind("<option").unwrap()).unwrap_or_else(|| inner.find("<option").unwrap());
            let option = &inner[chosen..chosen + inner[chosen..].find('>').unwrap()];
            fields.push((name, attribute(option, "value").unwrap()));
        }
    }
    fields
}

async fn two_officers_at_once(ground: Ground) {
    let team = team(ground).await;
    let app = &team.ground.app;
    let draft = team.draft(whole("Essai")).await;
    let (mut mine, mut theirs) = (draft::document(&draft).unwrap(), draft::document(&draft).unwrap());
    theirs["period"]["end"] = json!("2026-10-31");
    theirs["retention"]["months"] = json!(36);
    mine["title"] = json!("Essai de tri");
    let saved = draft::save(app, &team.other, draft.id, 1, theirs).await.unwrap();
    assert_eq!(saved.revision, 2);
    let error = draft::save(app, &team.officer, draft.id, 1, mine.clone()).await.unwrap_err();
    assert_eq!((error.kind, error.code), (Kind::Conflict, "edited_meanwhile"));
    assert!(error.message.starts_with("Madame hugo a modifié"), "{}", error.message);
    let said: Vec<&str> = error.faults.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "La fin passe du 30\u{a0}septembre 2026 au 31\u{a0}octobre 2026.",
            "La conservation après la fin passe de 24\u{a0}mois à 36\u{a0}mois."
        ]
    );
    // Nothing was written over; the second writes again from what stands.
    assert_eq!(draft::save(app, &team.officer, draft.id, 2, mine.clone()).await.unwrap().revision, 3);
    assert_eq!(draft::save(app, &team.officer, draft.id, 3, mine).await.unwrap().revision, 3, "what changes nothing writes nothing");
    // What moves a draft on names the revision too.
    assert_eq!(draft::send_to_review(app, &team.officer, draft.id, 2).await.unwrap_err().code, "edited_meanwhile");
    assert_eq!(draft::open(app, &team.officer, draft.id, 2).await.unwrap_err().code, "edited_meanwhile");
    assert_eq!(draft::discard(app, &team.officer, draft.id, 1).await.unwrap_err().code, "edited_meanwhile");
    draft::discard(app, &team.officer, draft.id, 3).await.unwrap();
    assert_eq!(draft::save(app, &team.officer, draft.id, 3, json!({})).await.unwrap_err().code, "draft_closed");
    team.ground.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_officers_at_once_on_sqlite() {
    two_officers_at_once(Ground::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_officers_at_once_on_postgres() {
    let Some(ground) = Ground::postgres().await else { return };
    two_officers_at_once(ground).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parties_alone_read_and_comment_and_only_in_review() {
    let team = team(Ground::sqlite().await).await;
    let app = &team.ground.app;
    let draft = team.draft(whole("Essai")).await;
    let analyst = person(&team.ground, "ines", Role::Analyst, None).await;
    let administrator = person(&team.ground, "ada", Role::Administrator, None).await;
    for actor in [&team.agent, &team.stranger, &analyst, &administrator] {
        assert_eq!(draft::find(app, actor, draft.id).await.unwrap_err().kind, Kind::NotFound);
        assert_eq!(draft::list(app, actor).await.unwrap(), []);
    }
    let absent = retex::ids::DraftId(app.clock.id());
    let path = |id: retex::ids::DraftId| format!("/conventions/brouillons/{id}/generalites");
    assert_eq!(team.get("nadia", &path(draft.id)).await, team.get("nadia", &path(absent)).await);

    let mut nobody = whole("Personne");
    nobody["parties"]["sites"] = json!([]);
    let nobody = team.draft(nobody).await;
    assert_eq!(draft::send_to_review(app, &team.officer, nobody.id, 1).await.unwrap_err().code, "no_parties");
    draft::send_to_review(app, &team.officer, draft.id, 1).await.unwrap();
    let letters = app.store.mails(Page::ALL).await.unwrap();
    assert_eq!(
        letters.iter().map(|m| (m.kind.as_str(), m.address.as_str())).collect::<Vec<_>>(),
        [("review_requested", "nadia@retex.example")]
    );
    for (actor, reads) in [(&team.agent, true), (&team.stranger, false), (&analyst, true), (&administrator, false)] {
        assert_eq!(draft::find(app, actor, draft.id).await.is_ok(), reads, "{}", actor.name);
    }
    assert_eq!(team.get("paul", &path(draft.id)).await, team.get("paul", &path(absent)).await);
    assert_eq!(
        team.api("paul", "GET", &format!("/drafts/{}", draft.id), None, None).await,
        team.api("paul", "GET", &format!("/drafts/{absent}"), None, None).await
    );

    // A party reads the form, and changes nothing with it.
    let (status, page) = team.get("nadia", &path(draft.id)).await;
    assert!(status == 200 && page.contains("<fieldset class=\"all\" disabled>") && !page.contains("value=\"check\""));
    assert_eq!(team.post("nadia", &path(draft.id), &[("revision", "1"), ("t:/title", "À moi")]).await.0, 403);
    assert_eq!(draft::save(app, &team.agent, draft.id, 1, json!({})).await.unwrap_err().kind, Kind::Forbidden);
    assert_eq!(draft::open(app, &team.agent, draft.id, 1).await.unwrap_err().kind, Kind::Forbidden);

    let base = format!("/conventions/brouillons/{}", draft.id);
    let remark = [("place", "/period"), ("kind", "change_request"), ("text", "Commençons <b>en mai</b>.")];
    assert_eq!(team.post("nadia", &format!("{base}/remarques"), &remark).await.0, 303);
    assert_eq!(team.post("nadia", &format!("{base}/remarques"), &[("text", "  ")]).await.0, 422);
    assert_eq!(team.post("paul", &format!("{base}/remarques"), &remark).await.0, 404);
    let letters = app.store.mails(Page::ALL).await.unwrap();
    assert!(letters.iter().any(|m| m.kind == "commented" && m.address == "claire@retex.example"));
    let (_, page) = team.get("claire", &format!("{base}/relecture")).await;
    assert!(
        page.contains("Commençons &#60;b&#62;en mai&#60;/b&#62;.") && page.contains("Modification demandée") && page.contains("Montreuil"),
        "{page}"
    );
    let comment = app.store.draft_comments(draft.id).await.unwrap()[0].clone();
    assert_eq!(comment.pointer.as_deref(), Some("/period"));
    assert_eq!(draft::resolve(app, &analyst, draft.id, comment.id).await.unwrap_err().kind, Kind::Forbidden);
    draft::resolve(app, &team.officer, draft.id, comment.id).await.unwrap();
    assert_eq!(draft::resolve(app, &team.officer, draft.id, comment.id).await.unwrap_err().code, "comment_resolved");

    draft::back_to_draft(app, &team.officer, draft.id, 1).await.unwrap();
    let remark = Remark { pointer: None, change: false, text: "Encore".into() };
    assert_eq!(draft::comment(app, &team.agent, draft.id, remark).await.unwrap_err().kind, Kind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_draws_up_a_convention_page_by_page() {
    let team = team(Ground::sqlite().await).await;
    let (status, to, _) = team.post("claire", "/conventions/nouvelle", &[("title", "Tri des demandes, 2026"), ("depart", "modele")]).await;
    assert_eq!(status, 303);
    let base = to.strip_suffix("/generalites?fait=cree").unwrap().to_owned();
    let step = |slug: &str| format!("{base}/{slug}");
    let send = async |who: &str, slug: &str, change: &[(&str, &str)]| {
        let (_, page) = team.get(who, &step(slug)).await;
        let mut fields: Vec<(String, String)> = form(&page).into_iter().filter(|(n, _)| n != "csrf").collect();
        for (name, value) in change {
            match fields.iter_mut().find(|(n, _)| n == name) {
                Some(field) => field.1 = (*value).to_owned(),
                None => fields.push(((*name).to_owned(), (*value).to_owned())),
            }
        }
        fields
    };
    let post = async |who: &str, slug: &str, fields: &[(String, String)]| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        team.post(who, &step(slug), &fields).await
    };
    let id: retex::ids::DraftId = base.rsplit('/').next().unwrap().parse().unwrap();
    let app = &team.ground.app;
    let now = async || app.store.draft(id).await.unwrap().unwrap();
    let before = now().await;
    // Every page shows what it has to show, and sends back what it showed.
    for slug in [
        "generalites",
        "parties",
        "usages",
        "plan",
        "indicateurs",
        "retour-experience",
        "principes",
        "traitement",
        "jeux/dossiers",
        "jeux/consommation",
    ] {
        let fields = send("claire", slug, &[("act", "save")]).await;
        let (status, _, text) = post("claire", slug, &fields).await;
        assert_eq!(status, 303, "{slug}: {text}");
        let after = now().await;
        assert_eq!(after.revision, 1, "{slug}, sent untouched, changes nothing: {} {}", before.document, after.document);
    }

    let (_, page) = team.get("claire", &step("parties")).await;
    assert!(page.contains("Montreuil (219300480)") && page.contains("2\u{a0}points à corriger"), "{page}");
    let fields = send("claire", "parties", &[("q:/parties/sites", "Montreuil"), ("act", "save")]).await;
    assert_eq!(post("claire", "parties", &fields).await.0, 303);
    let dates =
        send("claire", "generalites", &[("t:/period/start", "2026-04-01"), ("t:/period/end", "2027-09-30"), ("act", "check")]).await;
    let (status, _, page) = post("claire", "generalites", &dates).await;
    assert!(
        status == 200 && page.contains("dure de 1 à 12 mois") && page.contains("field-fault"),
        "said beside the dates, and nothing is saved"
    );
    assert_eq!(now().await.revision, 2);
    // The same check, for the script.
    let fields: Vec<(&str, &str)> = dates.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let (status, _, panel) = team.post("claire", &step("controle/generalites"), &fields).await;
    assert!(status == 200 && panel.contains("dure de 1 à 12 mois") && panel.contains("2027-09-30") && !panel.contains("<html"));

    // Two officers on the same page.
    let mine = send(
        "claire",
        "generalites",
        &[("t:/title", "Tri des demandes"), ("t:/period/start", "2026-04-01"), ("t:/period/end", "2026-09-30")],
    )
    .await;
    let theirs = send("hugo", "generalites", &[("t:/summary", "Un résumé d'Hugo.")]).await;
    assert_eq!(post("hugo", "generalites", &theirs).await.0, 303);
    let (status, _, page) = post("claire", "generalites", &mine).await;
    assert_eq!(status, 409);
    assert!(
        page.contains("Madame hugo a modifié") && page.contains("Le résumé change") && page.contains("value=\"Tri des demandes\""),
        "{page}"
    );
    let again: Vec<(String, String)> = form(&page).into_iter().filter(|(n, _)| n != "csrf").collect();
    assert_eq!(post("claire", "generalites", &again).await.0, 303);
    assert_eq!((now().await.title.as_str(), now().await.revision), ("Tri des demandes", 4));

    // The expert's text, broken then mended.
    let (_, page) = team.get("claire", &step("document")).await;
    let mut expert: Vec<(String, String)> = form(&page).into_iter().filter(|(n, _)| n != "csrf").collect();
    let whole = expert.iter().find(|(n, _)| n == "document").unwrap().1.clone();
    expert.iter_mut().find(|(n, _)| n == "document").unwrap().1 = "a: [1, 2\nb: 3".to_owned();
    let (status, _, page) = post("claire", "document", &expert).await;
    assert!(status == 422 && page.contains("a: [1, 2\nb: 3") && page.contains("ligne"));
    expert.iter_mut().find(|(n, _)| n == "document").unwrap().1 = whole;
    assert_eq!(post("claire", "document", &expert).await.0, 303);

    // A dataset more, and one less.
    assert_eq!(team.post("claire", &step("jeux-nouveau"), &[("title", "Réunions"), ("revision", "4")]).await.0, 303);
    let (status, page) = team.get("claire", &step("jeux/reunions")).await;
    assert!(status == 200 && page.contains("Retirer ce jeu"));
    assert_eq!(team.post("claire", &step("jeux/reunions/retrait?revision=5"), &[]).await.0, 303);
    let (_, page) = team.get("claire", &step("plan?structures=6&lignes=600&taux=0,5")).await;
    assert!(page.contains("4,1\u{a0}points"), "the smallest effect is said on the page of the plan");

    let remark = Remark { pointer: None, change: true, text: "Plus court.".into() };
    let asked = draft::comment(app, &team.officer, id, remark).await.unwrap();
    let (status, page) = team.get("claire", &step("etape/signature")).await;
    assert!(status == 200 && page.contains("figé") && page.contains("1\u{a0}modification demandée n&#39;est pas réglée"), "{page}");
    draft::resolve(app, &team.officer, id, asked.id).await.unwrap();
    let (status, to, text) = team.post("claire", &step("etape/signature?revision=6"), &[]).await;
    assert_eq!((status, to.as_str()), (303, "/experimentations/tri-des-demandes-2026/convention"), "{text}");
    assert_eq!(now().await.state, draft::OPENED);
    assert_eq!(team.get("claire", &to).await.0, 200);
    let (_, page) = team.get("claire", "/experimentations/tri-des-demandes-2026/versions").await;
    assert!(page.contains("Préparer un avenant"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_draws_up_an_amendment() {
    let team = team(Ground::sqlite().await).await;
    let app = &team.ground.app;
    crate::ground::agreed(app, whole("Essai")).await;
    let (status, draft) = team.api("claire", "POST", "/drafts", None, Some(json!({"amendment": "essai"}))).await;
    assert_eq!((status, &draft["revision"], &draft["amendment"]), (201, &json!(1), &json!(true)));
    assert_eq!(team.api("claire", "POST", "/drafts", None, Some(json!({"amendment": "essai"}))).await.1["code"], "amendment_exists");
    assert_eq!(team.api("nadia", "POST", "/drafts", None, Some(json!({"amendment": "essai"}))).await.0, 403);
    let path = format!("/drafts/{}", draft["id"].as_str().unwrap());
    let mut document = draft["document"].clone();
    document["retention"]["months"] = json!(12);
    document["evaluation"]["indicators"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "nouveau", "title": "Nouveau", "dataset": "dossiers", "statistic": "count", "better": "higher"}));
    document["title"] = json!("");
    assert_eq!(team.api("claire", "PUT", &path, None, Some(document.clone())).await.1["code"], "if_match");
    assert_eq!(team.api("claire", "PUT", &path, Some(1), Some(document.clone())).await.0, 200);
    let (status, conflict) = team.api("hugo", "PUT", &path, Some(1), Some(json!({}))).await;
    assert_eq!((status, &conflict["code"]), (409, &json!("edited_meanwhile")));
    assert!(conflict["faults"].as_array().is_some_and(|f| f.len() == 3), "{conflict}");
    let (_, check) = team.api("claire", "GET", &format!("{path}/check"), None, None).await;
    assert_eq!((&check["valid"], &check["faults"][0]["pointer"]), (&json!(false), &json!("/title")));
    assert_eq!(team.api("claire", "POST", &format!("{path}/open"), Some(2), None).await.0, 422);
    document["title"] = json!("Essai");
    document["id"] = json!("autre");
    team.api("claire", "PUT", &path, Some(2), Some(document.clone())).await;
    assert_eq!(team.api("claire", "POST", &format!("{path}/open"), Some(3), None).await.1["code"], "amendment_name");
    document["id"] = json!("essai");
    team.api("claire", "PUT", &path, Some(3), Some(document)).await;
    assert_eq!(team.api("claire", "POST", &format!("{path}/review"), Some(4), None).await.0, 200);
    let (status, comment) =
        team.api("nadia", "POST", &format!("{path}/comments"), None, Some(json!({"text": "Bien.", "pointer": "/retention"}))).await;
    assert_eq!((status, &comment["organisation"]), (201, &json!(MONTREUIL)));
    assert_eq!(
        team.api("claire", "POST", &format!("{path}/comments/{}/resolve", comment["id"].as_str().unwrap()), None, None).await.0,
        204
    );
    assert_eq!(team.api("nadia", "POST", &format!("{path}/open"), Some(4), None).await.0, 403);
    assert_eq!(team.api("claire", "POST", &format!("{path}/open"), Some(4), None).await.0, 201);
    let (status, changes) = team.api("claire", "GET", "/conventions/essai/versions/2/differences", None, None).await;
    assert_eq!(status, 200);
    let said: Vec<&str> = changes.as_array().unwrap().iter().map(|c| c["sentence"].as_str().unwrap()).collect();
    assert!(
        said.iter().any(|s| s.contains("Indicateur ajouté") && s.contains("exploratoire"))
            && said.iter().any(|s| s.contains("12\u{a0}mois")),
        "{said:?}"
    );
    assert_eq!(team.api("paul", "GET", "/conventions/essai/versions/2/differences", None, None).await.0, 404);
    let (status, page) = team.get("claire", "/experimentations/essai/versions/2/differences").await;
    assert!(status == 200 && page.contains("«\u{a0}Nouveau\u{a0}» n&#39;est pas celui que la première signature a figé"), "{page}");
    assert_eq!(team.get("claire", "/experimentations/essai/versions/1/differences").await.0, 404);
    // The page of the convention tells where the version that it shows stands, not the one before it.
    let (_, page) = team.get("claire", "/experimentations/essai/convention").await;
    let heading = &page[page.find("Signatures de la version 2").unwrap()..];
    assert!(heading[..heading.find("</h2>").unwrap()].contains("À signer"), "{page}");
}
