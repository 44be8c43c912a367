//! How much one address or one account may ask, and which address a request comes from.
//!
//! Each process counts for itself: several `serve` processes allow as many times more, which protects them all the same.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::DashMapStateStore,
};

use super::{failure::PageError, problem::Problem};
use crate::{
    app::App,
    error::{Error, Kind},
    ids::AccountId,
};

/// Requests of one address at once, and then each second: a whole town hall may stand behind one address.
const PER_ADDRESS: (u32, u32) = (600, 30);
/// Requests of one account at once, and then each second.
const PER_ACCOUNT: (u32, u32) = (300, 15);
/// Addresses and accounts that have been quiet are forgotten when there are this many.
const MANY: usize = 10_000;

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock>;

/// What was asked lately, by address and by account.
#[derive(Clone)]
pub struct Limits(Arc<(Limiter<IpAddr>, Limiter<AccountId>)>);

impl Default for Limits {
    fn default() -> Self {
        let quota = |(burst, rate): (u32, u32)| {
            let one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
            Quota::per_second(one(rate)).allow_burst(one(burst))
        };
        Self(Arc::new((RateLimiter::dashmap(quota(PER_ADDRESS)), RateLimiter::dashmap(quota(PER_ACCOUNT)))))
    }
}

/// The refusal, with the seconds to wait.
#[derive(Debug, Clone, Copy)]
struct Wait(u64);

impl Limits {
    fn count<K: std::hash::Hash + Eq + Clone>(limiter: &Limiter<K>, key: &K) -> Result<(), Wait> {
        if limiter.len() > MANY {
            limiter.retain_recent();
        }
        let whole = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        limiter.check_key(key).map_err(|until| Wait(whole(until.wait_time_from(limiter.clock().now())).max(1)))
    }
}

/// The address that a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address(pub IpAddr);

impl Address {
    /// The connection's, unless that is a trusted proxy's: then the last that the proxies did not add themselves.
    fn of(app: &App, peer: IpAddr, headers: &HeaderMap) -> Self {
        let peer = peer.to_canonical();
        let trusted = |address: &IpAddr| app.config.trusted_proxy.iter().any(|network| network.contains(address));
        if !trusted(&peer) {
            return Self(peer);
        }
        // Whoever asks may begin the list with anything: only what trusted proxies have appended counts, from the end.
        let lists: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).collect();
        let mut client = peer;
        for hop in lists.iter().flat_map(|list| list.split(',')).rev() {
            let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
            if !trusted(&client) {
                break;
            }
        }
        Self(client)
    }

    /// What is counted as one: an IPv4 address, or the network of an IPv6 one, which a single machine has whole.
    fn network(self) -> IpAddr {
        match self.0 {
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            v4 => v4,
        }
    }
}

/// Notes the address of a request and refuses it where that address asks too much.
pub async fn by_address(State((app, limits)): State<(App, Limits)>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    if let Some(peer) = peer {
        let address = Address::of(&app, peer, request.headers());
        let path = request.uri().path();
        let free = path == "/livez" || path == "/readyz" || path.starts_with("/assets/");
        if !free && let Err(wait) = Limits::count(&limits.0.0, &address.network()) {
            return refusal(wait, path.starts_with("/api/"));
        }
        request.extensions_mut().insert(address);
    }
    request.extensions_mut().insert(limits);
    next.run(request).await
}

/// Refuses a request of an account that asks too much, as the API or as the pages say it: inside the API's router, the path no longer tells.
pub fn by_account(parts: &Parts, account: AccountId, is_api: bool) -> Result<(), Box<Response>> {
    let Some(limits) = parts.extensions.get::<Limits>() else { return Ok(()) };
    Limits::count(&limits.0.1, &account).map_err(|wait| Box::new(refusal(wait, is_api)))
}

fn refusal(Wait(seconds): Wait, is_api: bool) -> Response {
    let wait = if seconds == 1 { "une seconde".to_owned() } else { format!("{seconds}\u{a0}secondes") };
    let error = Error::new(Kind::TooMany, "too_many_requests", format!("Trop de demandes à la fois. Attendez {wait}, puis réessayez."));
    let mut response = if is_api { Problem(error).into_response() } else { PageError(error).into_response() };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
