//! Second factors, invitations, sessions, tokens with a scope: who may come in, and who no longer.

use chrono::{DateTime, TimeDelta, Utc};
use retex::{
    access::{self, Actor, factor, session},
    app::App,
    convention::perimeter::Role,
    error::Kind,
    ids::AccountId,
    store::Page,
};
use totp_rs::{Builder, Secret};

use crate::{
    ground::{Ground, on_both_engines},
    hub::{PASSWORD, code, new},
};

on_both_engines!(
    a_second_factor_is_asked_for_and_no_code_opens_twice,
    recovery_codes_open_once_each,
    a_guesser_is_stopped_and_locks_out_nobody,
    an_administrator_resets_a_lost_second_factor,
);

/// The code that a device shows at `at`.
fn device(secret: &str, at: DateTime<Utc>) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).with_account_name("a").build().unwrap();
    totp.generate(u64::try_from(at.timestamp()).unwrap()).to_string()
}

async fn account(app: &App, email: &str, role: Role) -> AccountId {
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
    account(app, "ada@exemple.fr", Role::Officer).await;
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
    account(app, "ada@exemple.fr", Role::Signatory).await;
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
    account(app, "ada@exemple.fr", Role::Officer).await;
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
    let id = account(app, "ada@exemple.fr", Role::Officer).await;
    let (ada, _, _) = enrolled(app, "ada@exemple.fr").await;
    let boss = account(app, "chef@exemple.fr", Role::Administrator).await;
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
