//! Second factors, invitations, sessions, tokens with a scope: who may come in, and who no longer.

use chrono::{DateTime, TimeDelta, Utc};
use retex::{
    access::{
        self, Actor, Profile, account, factor,
        invitation::{self, Link},
        session, token,
    },
    app::App,
    convention::{
        perimeter::Role,
        scope::{Scope, Verb},
    },
    error::Kind,
    ids::{AccountId, TokenId},
    store::Page,
};
use totp_rs::{Builder, Secret};

use crate::{
    ground::{Ground, on_both_engines},
    hub::{MONTREUIL, PASSWORD, code, new},
};

on_both_engines!(
    a_second_factor_is_asked_for_and_no_code_opens_twice,
    recovery_codes_open_once_each,
    a_guesser_is_stopped_and_locks_out_nobody,
    an_administrator_resets_a_lost_second_factor,
    an_invitation_opens_once_and_not_for_long,
    a_forgotten_password_says_nothing_of_accounts,
    a_right_that_is_taken_is_refused_at_the_next_request,
    a_token_does_less_than_its_account,
);

/// The code that a device shows at `at`.
pub fn device(secret: &str, at: DateTime<Utc>) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).with_account_name("a").build().unwrap();
    totp.generate(u64::try_from(at.timestamp()).unwrap()).to_string()
}

async fn open_account(app: &App, email: &str, role: Role) -> AccountId {
    access::create_account(app, None, new(email, role, None, PASSWORD)).await.unwrap()
}

async fn enter(app: &App, email: &str) -> access::SignedIn {
    access::sign_in(app, email, PASSWORD, "::1").await.unwrap().opened().unwrap()
}

/// Signs in and activates a second factor; gives who, the device's secret and the recovery codes.
async fn enrolled(app: &App, email: &str) -> (Actor, String, Vec<String>) {
    let signed = enter(app, email).await;
    let secret = factor::begin(app, &signed.actor).await.unwrap().secret;
    let codes = factor::finish(app, &signed.actor, &device(&secret, app.clock.now())).await.unwrap();
    let actor = access::session(app, &signed.token).await.unwrap().unwrap();
    (actor, secret, codes)
}

async fn pass(app: &App, email: &str) -> String {
    match access::sign_in(app, email, PASSWORD, "::1").await.unwrap() {
        access::SignIn::SecondStep { pass } => pass,
        access::SignIn::Opened(_) => panic!("a second step is asked for"),
    }
}

async fn a_second_factor_is_asked_for_and_no_code_opens_twice(ground: &Ground) {
    let app = &ground.app;
    open_account(app, "ada@exemple.fr", Role::Officer).await;
    let (first, other) = (enter(app, "ada@exemple.fr").await, enter(app, "ada@exemple.fr").await);
    assert_eq!(code(access::confirm(app, &first.actor, "000000").await), (Kind::Forbidden, "second_factor_missing"));
    assert_eq!(code(factor::finish(app, &first.actor, "000000").await).1, "second_factor_not_begun");

    let begun = factor::begin(app, &first.actor).await.unwrap();
    assert!(begun.address.starts_with("otpauth://totp/Retex:ada%40exemple.fr?secret="), "{}", begun.address);
    assert_eq!(factor::standing(app, &first.actor).await.unwrap(), factor::Standing::Waiting(begun));
    // Another one in its place: the first secret is void.
    let secret = factor::begin(app, &first.actor).await.unwrap().secret;
    assert_eq!(code(factor::finish(app, &first.actor, "12345").await).1, "second_factor_code");
    // Until a code was seen, the password is enough: nobody is locked out by an unfinished enrolment.
    assert!(access::sign_in(app, "ada@exemple.fr", PASSWORD, "::1").await.unwrap().opened().is_some());
    let shown = device(&secret, app.clock.now());
    let codes = factor::finish(app, &first.actor, &format!(" {} {} ", &shown[..3], &shown[3..])).await.unwrap();
    assert_eq!((codes.len(), codes.iter().collect::<std::collections::BTreeSet<_>>().len()), (10, 10));
    assert_eq!(code(factor::begin(app, &first.actor).await).1, "second_factor_active");
    assert!(access::session(app, &other.token).await.unwrap().is_none(), "sessions that passed none are closed");
    let actor = access::session(app, &first.token).await.unwrap().unwrap();
    assert_eq!(actor.second_factor, Some(factor::TOTP));

    // The code that enrolled does not sign; the next one does, once; and does not open a session either.
    assert_eq!(code(access::confirm(app, &actor, &shown).await), (Kind::Invalid, "second_factor_code"));
    app.clock.advance(TimeDelta::seconds(30));
    let next = device(&secret, app.clock.now());
    assert_eq!(access::confirm(app, &actor, &next).await.unwrap(), factor::TOTP);
    assert_eq!(code(access::confirm(app, &actor, &next).await).1, "second_factor_code");
    let waiting = pass(app, "ada@exemple.fr").await;
    assert!(access::session(app, &waiting).await.unwrap().is_none(), "a right password alone is no session");
    assert_eq!(code(session::second_step(app, &waiting, &next, "::1").await), (Kind::Unauthenticated, "second_factor_code"));
    // Clocks differ by a step at most.
    app.clock.advance(TimeDelta::seconds(60));
    let late = device(&secret, app.clock.now() - TimeDelta::seconds(60));
    assert_eq!(code(session::second_step(app, &waiting, &late, "::1").await).1, "second_factor_code");
    let early = device(&secret, app.clock.now() + TimeDelta::seconds(30));
    let signed = session::second_step(app, &waiting, &early, "::1").await.unwrap();
    assert_eq!(signed.actor.second_factor, Some(factor::TOTP));
    assert_eq!(access::session(app, &signed.token).await.unwrap().unwrap(), signed.actor);
    // An older code than the newest accepted is as good as used; and the pass is gone.
    assert_eq!(code(access::confirm(app, &actor, &device(&secret, app.clock.now())).await).1, "second_factor_code");
    app.clock.advance(TimeDelta::seconds(60));
    let code_now = device(&secret, app.clock.now());
    assert_eq!(code(session::second_step(app, &waiting, &code_now, "::1").await).1, "sign_in_expired");
    // Twice at once, once only.
    let (a, b) = tokio::join!(access::confirm(app, &actor, &code_now), access::confirm(app, &signed.actor, &code_now));
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
    // The second step does not wait for ever, nor for a disabled account.
    let waiting = pass(app, "ada@exemple.fr").await;
    app.clock.advance(TimeDelta::minutes(10));
    assert_eq!(code(session::second_step(app, &waiting, &device(&secret, app.clock.now()), "::1").await).1, "sign_in_expired");
    let waiting = pass(app, "ada@exemple.fr").await;
    access::set_disabled(app, None, actor.account, true).await.unwrap();
    assert_eq!(code(session::second_step(app, &waiting, &device(&secret, app.clock.now()), "::1").await).1, "sign_in_expired");

    // A token signs nothing.
    access::set_disabled(app, None, actor.account, false).await.unwrap();
    let owner = app.store.account(actor.account).await.unwrap().unwrap();
    let (_, bearer) =
        access::create_token(app, None, &owner, access::NewToken { name: "nuit".into(), ..Default::default() }).await.unwrap();
    let program = access::bearer(app, &bearer).await.unwrap();
    assert_eq!(code(access::confirm(app, &program, &device(&secret, app.clock.now())).await), (Kind::Forbidden, "in_person"));
    assert_eq!(code(factor::begin(app, &program).await).1, "in_person");
}

async fn recovery_codes_open_once_each(ground: &Ground) {
    let app = &ground.app;
    open_account(app, "ada@exemple.fr", Role::Signatory).await;
    let (actor, secret, codes) = enrolled(app, "ada@exemple.fr").await;
    let factor::Standing::Active { codes_left: 10, .. } = factor::standing(app, &actor).await.unwrap() else { panic!("active") };
    let waiting = pass(app, "ada@exemple.fr").await;
    let signed = session::second_step(app, &waiting, &codes[0].to_uppercase(), "::1").await.unwrap();
    assert_eq!(signed.actor.second_factor, Some(factor::RECOVERY));
    assert_eq!(code(access::confirm(app, &actor, &codes[0]).await).1, "second_factor_code");
    assert_eq!(access::confirm(app, &actor, &codes[1].replace('-', " ")).await.unwrap(), factor::RECOVERY);
    // New ones void the old ones.
    app.clock.advance(TimeDelta::seconds(30));
    let fresh = factor::renew_codes(app, &actor, &device(&secret, app.clock.now())).await.unwrap();
    assert_eq!(code(access::confirm(app, &actor, &codes[2]).await).1, "second_factor_code");
    // The device is lost: a recovery code removes the factor, and the password is enough again.
    assert_eq!(code(factor::remove(app, &actor, "abcd-efgh-jkmn").await).1, "second_factor_code");
    factor::remove(app, &actor, &fresh[0]).await.unwrap();
    assert_eq!(factor::standing(app, &actor).await.unwrap(), factor::Standing::Absent);
    assert_eq!(code(factor::remove(app, &actor, &fresh[1]).await).1, "second_factor_absent");
    enter(app, "ada@exemple.fr").await;
}

async fn a_guesser_is_stopped_and_locks_out_nobody(ground: &Ground) {
    let app = &ground.app;
    open_account(app, "ada@exemple.fr", Role::Officer).await;
    let (actor, secret, _) = enrolled(app, "ada@exemple.fr").await;
    app.clock.advance(TimeDelta::minutes(1));
    // At the second step, all at once: five codes per password, ten per address.
    let mut verified = 0;
    for _ in 0..4 {
        let waiting = pass(app, "ada@exemple.fr").await;
        let tries = (0..8).map(|_| session::second_step(app, &waiting, "000000", "10.0.0.1"));
        verified += futures::future::join_all(tries).await.into_iter().map(code).filter(|c| c.1 == "second_factor_code").count();
    }
    assert!((5..=10).contains(&verified), "{verified}");
    let waiting = pass(app, "ada@exemple.fr").await;
    let right = device(&secret, app.clock.now());
    assert_eq!(code(session::second_step(app, &waiting, &right, "10.0.0.1").await).0, Kind::TooMany, "even with the good one");
    let mine = session::second_step(app, &waiting, &right, "10.0.0.2").await.expect("nobody is locked out from elsewhere");
    // At signing: the session that guesses, and no other.
    for i in 0..12 {
        let expected = if i < 10 { Kind::Invalid } else { Kind::TooMany };
        assert_eq!(code(access::confirm(app, &actor, "000000").await).0, expected);
    }
    app.clock.advance(TimeDelta::seconds(30));
    let right = device(&secret, app.clock.now());
    assert_eq!(code(access::confirm(app, &actor, &right).await).0, Kind::TooMany);
    access::confirm(app, &mine.actor, &right).await.expect("another session signs");
    app.clock.advance(TimeDelta::minutes(15));
    access::confirm(app, &actor, &device(&secret, app.clock.now())).await.expect("after a while");
}

async fn an_administrator_resets_a_lost_second_factor(ground: &Ground) {
    let app = &ground.app;
    let id = open_account(app, "ada@exemple.fr", Role::Officer).await;
    let (ada, _, _) = enrolled(app, "ada@exemple.fr").await;
    let boss = open_account(app, "chef@exemple.fr", Role::Administrator).await;
    let boss = {
        let signed = enter(app, "chef@exemple.fr").await;
        assert_eq!(signed.actor.account, boss);
        signed.actor
    };
    assert_eq!(code(factor::reset(app, Some(&ada), boss.account).await).0, Kind::Forbidden);
    assert_eq!(code(factor::reset(app, Some(&boss), boss.account).await).1, "own_account");
    factor::reset(app, Some(&boss), id).await.unwrap();
    assert_eq!(code(factor::reset(app, Some(&boss), id).await).1, "second_factor_absent");
    assert!(app.store.session(ada.session.as_deref().unwrap(), app.clock.now()).await.unwrap().is_none());
    enter(app, "ada@exemple.fr").await;
    let letters = app.store.mails(Page::ALL).await.unwrap();
    assert_eq!(letters.iter().map(|m| (m.kind.as_str(), m.account_id)).collect::<Vec<_>>(), [("second_factor_reset", Some(id))]);
    assert!(retex::audit::verify(&app.store).await.unwrap().is_empty());
}

async fn letter(app: &App, kind: &str) -> String {
    let letters = app.store.mails(Page::ALL).await.unwrap();
    let letter = letters.iter().find(|m| m.kind == kind).expect("a letter");
    let json: serde_json::Value = serde_json::from_str(&letter.letter).unwrap();
    json["path"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned()
}

fn profile(email: &str, role: Role, site: Option<&str>) -> Profile {
    Profile { email: email.into(), name: "Zoé Martin".into(), role, site: site.map(|s| s.parse().unwrap()) }
}

async fn an_invitation_opens_once_and_not_for_long(ground: &Ground) {
    let app = &ground.app;
    open_account(app, "mission@exemple.fr", Role::Officer).await;
    open_account(app, "chef@exemple.fr", Role::Administrator).await;
    open_account(app, "analyse@exemple.fr", Role::Analyst).await;
    let officer = enter(app, "mission@exemple.fr").await.actor;
    let (boss, analyst) = (enter(app, "chef@exemple.fr").await.actor, enter(app, "analyse@exemple.fr").await.actor);
    let invite = async |by: &Actor, email: &str, role, site| invitation::invite(app, Some(by), profile(email, role, site)).await;
    // An officer invites the people of sites, and nobody of the Métropole.
    assert_eq!(code(invite(&analyst, "zoe@exemple.fr", Role::Contributor, Some(MONTREUIL)).await).0, Kind::Forbidden);
    for role in [Role::Signatory, Role::Analyst, Role::Officer, Role::Administrator, Role::DataProtectionOfficer] {
        assert_eq!(code(invite(&officer, "zoe@exemple.fr", role, None).await).0, Kind::Forbidden, "{role}");
    }
    assert_eq!(code(invite(&officer, "zoe", Role::Contributor, Some(MONTREUIL)).await).1, "email");
    let id = invite(&officer, "zoe@exemple.fr", Role::Contributor, Some(MONTREUIL)).await.unwrap();
    assert_eq!(code(invite(&boss, "ZOE@exemple.fr", Role::Analyst, None).await).1, "email_taken");
    let first = letter(app, "invitation").await;
    assert!(access::sign_in(app, "zoe@exemple.fr", "", "::1").await.is_err(), "no password opens yet");
    app.clock.advance(TimeDelta::seconds(1));
    invitation::invite_again(app, Some(&officer), id).await.unwrap();
    let second = letter(app, "invitation").await;
    assert_eq!(code(invitation::whose(app, Link::Invitation, &first).await), (Kind::NotFound, "link_expired"), "the new link voids it");
    app.clock.advance(TimeDelta::hours(72));
    assert_eq!(code(invitation::choose(app, Link::Invitation, &second, "cheval agrafe pile").await).1, "link_expired");
    invitation::invite_again(app, Some(&boss), id).await.unwrap();
    let third = letter(app, "invitation").await;
    assert_eq!(code(invitation::choose(app, Link::Reset, &third, "cheval agrafe pile").await).1, "link_expired", "another kind of link");
    for (easy, why) in [("court", "password_short"), ("motdepasse2026", "password_common"), ("Zoé Martin 26", "password_common")] {
        assert_eq!(code(invitation::choose(app, Link::Invitation, &third, easy).await), (Kind::Invalid, why));
    }
    // Twice at once, once only.
    let twice = (0..2).map(|_| invitation::choose(app, Link::Invitation, &third, "cheval agrafe pile"));
    assert_eq!(futures::future::join_all(twice).await.iter().filter(|r| r.is_ok()).count(), 1);
    assert_eq!(code(invitation::whose(app, Link::Invitation, &third).await).1, "link_expired");
    assert_eq!(code(invitation::invite_again(app, Some(&boss), id).await).1, "already_entered");
    let signed = access::sign_in(app, "zoe@exemple.fr", "cheval agrafe pile", "::1").await.unwrap().opened().unwrap();
    assert_eq!((signed.actor.account, signed.actor.role), (id, Role::Contributor));
    // Who sees whom: a foreign account answers like an absent one.
    let seen = account::list(app, &officer).await.unwrap();
    assert_eq!(seen.iter().map(|l| l.account.id).collect::<Vec<_>>(), [id]);
    assert_eq!(account::list(app, &boss).await.unwrap().len(), 4);
    let absent = account::managed(app, &officer, AccountId(app.clock.id())).await.unwrap_err().message;
    assert_eq!(account::managed(app, &officer, boss.account).await.unwrap_err().message, absent);
    assert_eq!(code(account::list(app, &analyst).await).0, Kind::Forbidden);
}

async fn a_forgotten_password_says_nothing_of_accounts(ground: &Ground) {
    let app = &ground.app;
    let id = open_account(app, "ada@exemple.fr", Role::Officer).await;
    let signed = enter(app, "ada@exemple.fr").await;
    for nobody in ["autre@exemple.fr", "", "a\0@exemple.fr"] {
        invitation::forgot(app, nobody, "10.0.0.1").await.unwrap();
    }
    assert!(app.store.mails(Page::ALL).await.unwrap().is_empty());
    invitation::forgot(app, " ADA@exemple.fr ", "10.0.0.1").await.unwrap();
    let link = letter(app, "password_reset").await;
    // A stranger who asks many times from many places fills no mailbox and voids no link.
    for i in 0..8 {
        invitation::forgot(app, "ada@exemple.fr", &format!("10.0.1.{i}")).await.unwrap();
    }
    assert_eq!(app.store.mails(Page::ALL).await.unwrap().len(), 3);
    for i in 0..4 {
        let asked = invitation::forgot(app, "bea@exemple.fr", "10.0.0.9").await;
        assert_eq!(asked.is_ok(), i < 3, "the same limit where there is no account");
    }
    invitation::choose(app, Link::Reset, &link, "cheval agrafe pile").await.unwrap();
    assert!(access::session(app, &signed.token).await.unwrap().is_none());
    assert_eq!(code(invitation::choose(app, Link::Reset, &link, "cheval agrafe pile").await).1, "link_expired");
    access::sign_in(app, "ada@exemple.fr", "cheval agrafe pile", "::1").await.unwrap().opened().unwrap();
    app.clock.advance(TimeDelta::hours(1));
    invitation::forgot(app, "ada@exemple.fr", "10.0.0.1").await.unwrap();
    let late = letter(app, "password_reset").await;
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(code(invitation::whose(app, Link::Reset, &late).await).1, "link_expired");
    // A disabled account gets no letter, and its link does not open.
    invitation::forgot(app, "ada@exemple.fr", "10.0.0.1").await.unwrap();
    let link = letter(app, "password_reset").await;
    access::set_disabled(app, None, id, true).await.unwrap();
    assert_eq!(code(invitation::choose(app, Link::Reset, &link, "cheval agrafe pile").await).1, "link_expired");
    let before = app.store.mails(Page::ALL).await.unwrap().len();
    app.clock.advance(TimeDelta::hours(1));
    invitation::forgot(app, "ada@exemple.fr", "10.0.0.1").await.unwrap();
    assert_eq!(app.store.mails(Page::ALL).await.unwrap().len(), before);
}

async fn a_right_that_is_taken_is_refused_at_the_next_request(ground: &Ground) {
    let app = &ground.app;
    open_account(app, "ada@exemple.fr", Role::Officer).await;
    open_account(app, "chef@exemple.fr", Role::Administrator).await;
    let boss = enter(app, "chef@exemple.fr").await;
    let (one, two) = (enter(app, "ada@exemple.fr").await, enter(app, "ada@exemple.fr").await);
    let ada = one.actor.account;
    let alive = async |signed: &access::SignedIn| access::session(app, &signed.token).await.unwrap().is_some();
    // Sessions: one's own, anybody's for an administrator, nobody else's.
    assert_eq!(session::list(app, &one.actor, ada).await.unwrap().len(), 2);
    assert_eq!(session::list(app, &boss.actor, ada).await.unwrap().len(), 2);
    assert_eq!(code(session::list(app, &one.actor, boss.actor.account).await).0, Kind::Forbidden);
    let other = two.actor.session.as_deref();
    assert_eq!(code(session::revoke(app, Some(&one.actor), boss.actor.account, other).await).0, Kind::Forbidden);
    assert_eq!(code(session::revoke(app, Some(&boss.actor), boss.actor.account, other).await).0, Kind::NotFound, "of another account");
    session::revoke(app, Some(&one.actor), ada, other).await.unwrap();
    assert_eq!((alive(&one).await, alive(&two).await), (true, false));
    let two = enter(app, "ada@exemple.fr").await;
    session::revoke(app, Some(&one.actor), ada, None).await.unwrap();
    assert_eq!((alive(&one).await, alive(&two).await), (true, false), "all but the one that asks");
    session::revoke(app, Some(&boss.actor), ada, None).await.unwrap();
    assert!(!alive(&one).await);

    // The role: sessions end, and what a token may do changes with it.
    let (signed, owner) = (enter(app, "ada@exemple.fr").await, app.store.account(ada).await.unwrap().unwrap());
    let (_, secret) = access::create_token(app, None, &owner, access::NewToken { name: "a".into(), ..Default::default() }).await.unwrap();
    assert_eq!(code(access::set_role(app, Some(&signed.actor), ada, Role::Administrator, None).await).0, Kind::Forbidden);
    assert_eq!(code(access::set_role(app, Some(&boss.actor), boss.actor.account, Role::Officer, None).await).1, "own_account");
    assert_eq!(code(access::set_disabled(app, Some(&boss.actor), boss.actor.account, true).await).1, "own_account");
    assert_eq!(code(access::set_role(app, Some(&boss.actor), ada, Role::Contributor, None).await).1, "site_required");
    access::set_role(app, Some(&boss.actor), ada, Role::Contributor, Some(MONTREUIL.parse().unwrap())).await.unwrap();
    assert!(!alive(&signed).await);
    assert_eq!(access::bearer(app, &secret).await.unwrap().role, Role::Contributor);
    access::set_disabled(app, Some(&boss.actor), ada, true).await.unwrap();
    assert_eq!(code(access::bearer(app, &secret).await).1, "token");

    // One's own password: the present one is asked for, and other sessions end.
    let here = enter(app, "chef@exemple.fr").await;
    assert_eq!(code(account::change_password(app, &here.actor, "un autre", "cheval agrafe pile").await).1, "password_wrong");
    account::change_password(app, &here.actor, PASSWORD, "cheval agrafe pile").await.unwrap();
    assert_eq!((alive(&here).await, alive(&boss).await), (true, false));
}

async fn a_token_does_less_than_its_account(ground: &Ground) {
    let app = &ground.app;
    access::create_account(app, None, new("agent@exemple.fr", Role::Contributor, Some(MONTREUIL), PASSWORD)).await.unwrap();
    open_account(app, "analyse@exemple.fr", Role::Analyst).await;
    open_account(app, "chef@exemple.fr", Role::Administrator).await;
    let (agent, boss) = (enter(app, "agent@exemple.fr").await.actor, enter(app, "chef@exemple.fr").await.actor);
    let analyst = enter(app, "analyse@exemple.fr").await.actor;
    let owner = async |actor: &Actor| app.store.account(actor.account).await.unwrap().unwrap();
    let make = async |by: &Actor, of: &Actor, service, verbs: &[Verb], sites: &[&str]| {
        let scope = Scope { sites: sites.iter().map(|s| s.parse().unwrap()).collect(), datasets: vec![], verbs: verbs.to_vec() };
        let new = access::NewToken { name: "nuit".into(), expires_at: None, scope: Some(scope), service };
        access::create_token(app, Some(by), &owner(of).await, new).await
    };
    assert_eq!(code(make(&boss, &agent, false, &[Verb::Read], &[]).await).0, Kind::Forbidden, "in somebody else's name");
    assert_eq!(code(make(&agent, &agent, true, &[Verb::Read], &[]).await).0, Kind::Forbidden, "a service");
    assert_eq!(code(make(&boss, &boss, true, &[Verb::Read], &[]).await).1, "token_role");
    assert_eq!(code(make(&agent, &agent, false, &[], &[]).await).1, "token_verbs");
    assert_eq!(code(make(&agent, &agent, false, &[Verb::Manage], &[]).await).1, "token_verbs");
    assert_eq!(code(make(&analyst, &analyst, false, &[Verb::Deposit], &[]).await).1, "token_verbs");
    assert_eq!(code(make(&agent, &agent, false, &[Verb::Read], &["219300100"]).await).1, "token_sites");
    assert_eq!(code(make(&analyst, &analyst, false, &[Verb::Read], &["123456789"]).await).1, "token_sites");
    for end in [TimeDelta::zero(), TimeDelta::days(367)] {
        let new = access::NewToken { name: "a".into(), expires_at: Some(app.clock.now() + end), ..Default::default() };
        assert_eq!(code(access::create_token(app, None, &owner(&agent).await, new).await).1, "token_expiry");
    }
    let (reading, secret) = make(&agent, &agent, false, &[Verb::Read], &[MONTREUIL]).await.unwrap();
    make(&boss, &analyst, true, &[Verb::Read], &[MONTREUIL]).await.unwrap();
    let program = access::bearer(app, &secret).await.unwrap();
    assert_eq!(program.scope.as_ref().unwrap().verbs, [Verb::Read]);
    assert!(program.allows(Verb::Read).is_ok() && program.allows(Verb::Deposit).is_err());
    assert_eq!(code(make(&program, &agent, false, &[Verb::Read], &[]).await).1, "in_person", "a token makes no token");
    app.clock.advance(TimeDelta::days(365));
    assert_eq!(code(access::bearer(app, &secret).await).1, "token", "a year is the end");
    // Lists and revocation: one's own, or all for an administrator.
    assert_eq!(token::list(app, &agent, false).await.unwrap().len(), 1);
    assert_eq!(token::list(app, &boss, true).await.unwrap().len(), 2);
    assert_eq!(code(token::list(app, &agent, true).await).0, Kind::Forbidden);
    let absent = token::revoke(app, &analyst, TokenId(app.clock.id())).await.unwrap_err().message;
    assert_eq!(token::revoke(app, &analyst, reading).await.unwrap_err().message, absent, "a foreign one is like an absent one");
    token::revoke(app, &agent, reading).await.unwrap();
}

#[tokio::test]
async fn the_data_are_closed_to_other_users_of_the_machine() {
    use std::os::unix::fs::PermissionsExt;
    let ground = Ground::sqlite().await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let data = &ground.app.config.data;
    assert_eq!((mode(data), mode(&data.join("retex.db")), mode(&data.join("lac"))), (0o700, 0o600, 0o700));
    // One that an earlier version left open.
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(data.join("retex.db"), std::fs::Permissions::from_mode(0o644)).unwrap();
    App::open(retex::config::Config::clone(&ground.app.config), ground.app.clock.clone()).await.unwrap();
    assert_eq!((mode(data), mode(&data.join("retex.db"))), (0o700, 0o600));
}
