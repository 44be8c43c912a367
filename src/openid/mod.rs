//! Sign-in through an OpenID Connect provider, as ProConnect wants it: discovery, authorisation code with PKCE, `state` and `nonce`, the
//! client's secret in the body (`client_secret_post`), a userinfo answer that is signed, `acr`, and a logout that the provider knows of.
//!
//! The protocol alone: whose account it is, [`crate::access::openid`] says.

use std::{pin::Pin, sync::Arc, time::Duration, time::Instant};

use chrono::{DateTime, Utc};
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AsyncHttpClient, AuthType, AuthenticationContextClass, AuthenticationFlow, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadataWithLogout, RedirectUrl, Scope,
    TokenResponse, UserInfoClaims,
    core::{CoreClient, CoreGenderClaim, CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreResponseType},
    http,
    url::Url,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::{
    config::{Config, OpenId},
    error::{Error, Kind, Result},
};

/// Where the provider sends the browser back.
pub const CALLBACK: &str = "/connexion/proconnect/retour";
/// Where the provider sends the browser after a logout.
pub const SIGNED_OUT: &str = "/connexion";
/// How long what the provider says of itself is kept.
const KEPT: Duration = Duration::from_secs(3600);
/// Keys change: a token that does not verify is checked once against fresh ones, if those known are older than this.
const FRESH: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const LONGEST: usize = 1024 * 1024;

/// The provider that the settings name.
#[derive(Debug)]
pub struct Provider {
    settings: OpenId,
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: ClientSecret,
    redirect: RedirectUrl,
    signed_out: String,
    http: Http,
    known: Mutex<Option<(Instant, Arc<ProviderMetadataWithLogout>)>>,
}

/// What begins a sign-in.
#[derive(Debug)]
pub struct Started {
    /// Where the browser goes.
    pub url: String,
    /// Comes back in the address.
    pub state: String,
    /// To keep for [`Provider::finish`].
    pub kept: Kept,
}

/// What is kept between the two halves of a sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    nonce: String,
    verifier: String,
}

/// What the provider says of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who says so.
    pub issuer: String,
    /// The person, for this issuer.
    pub subject: String,
    /// Their address.
    pub email: Option<String>,
    /// Whether the issuer says that it is, or is not, theirs.
    pub email_verified: Option<bool>,
    /// As they are called.
    pub name: String,
    /// SIRET of their employer's establishment.
    pub siret: Option<String>,
    /// Whether a second factor was passed there.
    pub second_factor: bool,
    /// What the logout gives back.
    pub id_token: String,
}

/// ProConnect's claims beside the standard ones.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Extra {
    usual_name: Option<String>,
    siret: Option<String>,
}

impl AdditionalClaims for Extra {}

type Client = CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl Provider {
    /// The provider of these settings; none if they name none.
    ///
    /// # Errors
    /// `openid_settings` where one is missing, or the issuer's address is not `https` (but on the machine itself).
    pub fn of(config: &Config) -> Result<Option<Self>> {
        let settings = config.openid.clone();
        let Some(issuer) = &settings.oidc_issuer else { return Ok(None) };
        let bad = |message: &str| Error::invalid("openid_settings", message);
        let (Some(id), Some(secret), Some(public)) = (&settings.oidc_client_id, &settings.oidc_client_secret, &config.public_url) else {
            return Err(bad("« oidc_issuer » demande aussi « oidc_client_id », « oidc_client_secret » et « public_url »."));
        };
        let local = |url: &Url| matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if !Url::parse(issuer).is_ok_and(|url| url.scheme() == "https" || local(&url)) {
            return Err(bad("« oidc_issuer » doit commencer par « https:// »."));
        }
        let public = public.trim_end_matches('/');
        // Fails when a provider is already there: then it is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(15))
            .build()
            .map_err(Error::internal)?;
        Ok(Some(Self {
            issuer: IssuerUrl::new(issuer.clone()).map_err(Error::internal)?,
            client_id: ClientId::new(id.clone()),
            client_secret: ClientSecret::new(secret.reveal().to_owned()),
            redirect: RedirectUrl::new(format!("{public}{CALLBACK}"))
                .map_err(|_| bad("« public_url » doit être une adresse complète, par exemple « https://retex.exemple.fr »."))?,
            signed_out: format!("{public}{SIGNED_OUT}"),
            settings,
            http: Http(http),
            known: Mutex::new(None),
        }))
    }

    /// Begins a sign-in; `random` makes `state` and `nonce`, 64 characters each.
    pub async fn start(&self, random: impl Fn() -> String) -> Result<Started> {
        let metadata = self.metadata(KEPT).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (state, nonce) = (random(), random());
        let client = self.client(&metadata);
        let (given_state, given_nonce) = (CsrfToken::new(state.clone()), Nonce::new(nonce.clone()));
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let mut request = client.authorize_url(flow, || given_state, || given_nonce).set_pkce_challenge(challenge);
        for scope in words(&self.settings.oidc_scopes).filter(|s| *s != "openid") {
            request = request.add_scope(Scope::new(scope.to_owned()));
        }
        let wanted: Vec<&str> = words(&self.settings.oidc_acr).collect();
        if !wanted.is_empty() {
            for acr in &wanted {
                request = request.add_auth_context_value(AuthenticationContextClass::new((*acr).to_owned()));
            }
            let claims = serde_json::json!({"id_token": {"acr": {"essential": true, "values": wanted}}});
            request = request.add_extra_param("claims", claims.to_string());
        }
        let (url, ..) = request.url();
        Ok(Started { url: url.to_string(), state, kept: Kept { nonce, verifier: verifier.into_secret() } })
    }

    /// Ends a sign-in: changes the code for tokens, and believes only what verifies.
    ///
    /// # Errors
    /// `openid_refused` for what does not, `openid_acr` for too low an authentication, `openid_unavailable`; the cause, without secrets,
    /// is the error's source.
    pub async fn finish(&self, code: &str, kept: Kept, now: DateTime<Utc>) -> Result<Identity> {
        let metadata = self.metadata(KEPT).await?;
        let token = self
            .client(&metadata)
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(refused)?
            .set_pkce_verifier(PkceCodeVerifier::new(kept.verifier))
            .request_async(&self.http)
            .await
            .map_err(refused)?;
        let id_token = token.id_token().ok_or_else(|| refused("the answer has no id_token"))?;
        let nonce = Nonce::new(kept.nonce);
        let (metadata, claims) = match self.verify(&metadata, &token, &nonce, now) {
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let fresh = self.metadata(FRESH).await?;
                let claims = self.verify(&fresh, &token, &nonce, now).map_err(refused)?;
                (fresh, claims)
            }
            Err(error) => return Err(refused(error)),
            Ok(claims) => (metadata, claims),
        };
        let acr = claims.auth_context_ref().map(|a| a.as_str().to_owned()).unwrap_or_default();
        let mut wanted = words(&self.settings.oidc_acr).peekable();
        if wanted.peek().is_some() && !wanted.any(|w| w == acr) {
            let message = "Votre identification n'est pas assez sûre pour entrer ici. Recommencez avec un second facteur chez votre fournisseur d'identité.";
            return Err(Error::new(Kind::Forbidden, "openid_acr", message).with_source(format!("acr is {acr:?}")));
        }
        let person: UserInfoClaims<Extra, CoreGenderClaim> = self
            .client(&metadata)
            .user_info(token.access_token().clone(), Some(claims.subject().clone()))
            .map_err(refused)?
            .require_signed_response(true)
            .set_response_type(openidconnect::UserInfoResponseType::Jwt)
            .request_async(&self.http)
            .await
            // The error may carry the answer: only its kind is kept.
            .map_err(|e| refused(kind_of(&e)))?;
        let standard = person.standard_claims();
        let extra = person.additional_claims();
        let given = standard.given_name().and_then(|n| n.get(None)).map(|n| n.as_str().to_owned());
        let name = [given, extra.usual_name.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(Identity {
            issuer: self.issuer.as_str().to_owned(),
            subject: claims.subject().as_str().to_owned(),
            email: standard.email().map(|e| e.as_str().to_owned()),
            email_verified: standard.email_verified(),
            name,
            siret: extra.siret.clone(),
            second_factor: words(&self.settings.oidc_second_factor_acr).any(|w| w == acr),
            id_token: id_token.to_string(),
        })
    }

    /// Where the browser goes to end its session there too; none if the provider has no such place or does not answer.
    pub async fn end(&self, id_token: &str, state: &str) -> Option<String> {
        let metadata = self.metadata(KEPT).await.ok()?;
        let mut url = metadata.additional_metadata().end_session_endpoint.as_ref()?.url().clone();
        url.query_pairs_mut()
            .append_pair("id_token_hint", id_token)
            .append_pair("post_logout_redirect_uri", &self.signed_out)
            .append_pair("state", state);
        Some(url.to_string())
    }

    fn client(&self, metadata: &ProviderMetadataWithLogout) -> Client {
        CoreClient::from_provider_metadata(metadata.clone(), self.client_id.clone(), Some(self.client_secret.clone()))
            .set_redirect_uri(self.redirect.clone())
            .set_auth_type(AuthType::RequestBody)
    }

    fn verify(
        &self,
        metadata: &ProviderMetadataWithLogout,
        token: &openidconnect::core::CoreTokenResponse,
        nonce: &Nonce,
        now: DateTime<Utc>,
    ) -> Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let client = self.client(metadata);
        let algorithms = [CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJwsSigningAlgorithm::EcdsaP256Sha256];
        let verifier = client.id_token_verifier().set_allowed_algs(algorithms).set_time_fn(move || now);
        let id_token = token.id_token().ok_or_else(|| ClaimsVerificationError::Other("no id_token".to_owned()))?;
        let claims = id_token.claims(&verifier, nonce)?;
        if let Some(hash) = claims.access_token_hash() {
            let (algorithm, key) = (id_token.signing_alg(), id_token.signing_key(&verifier));
            let (algorithm, key) = (
                algorithm.map_err(ClaimsVerificationError::SignatureVerification)?,
                key.map_err(ClaimsVerificationError::SignatureVerification)?,
            );
            let own = AccessTokenHash::from_token(token.access_token(), algorithm, key);
            if own.ok().as_ref() != Some(hash) {
                return Err(ClaimsVerificationError::Other("the access token is not the one of the id_token".to_owned()));
            }
        }
        Ok(claims.clone())
    }

    /// What the provider says of itself, at most so old.
    async fn metadata(&self, age: Duration) -> Result<Arc<ProviderMetadataWithLogout>> {
        let mut known = self.known.lock().await;
        if let Some((at, metadata)) = known.as_ref()
            && at.elapsed() < age
        {
            return Ok(metadata.clone());
        }
        let unavailable = |e: openidconnect::DiscoveryError<Error>| {
            let message = "Le fournisseur d'identité ne répond pas. Réessayez dans quelques minutes, ou entrez avec votre mot de passe.";
            Error::new(Kind::Unavailable, "openid_unavailable", message).with_source(e.to_string())
        };
        let metadata = ProviderMetadataWithLogout::discover_async(self.issuer.clone(), &self.http).await.map_err(unavailable)?;
        let metadata = Arc::new(metadata);
        *known = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }
}

/// Our own client: one request, one answer, no redirect followed, nothing long read.
#[derive(Debug, Clone)]
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(send(&self.0, request))
    }
}

async fn send(client: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse> {
    let failed = |e: reqwest::Error| Error::internal(e.without_url());
    let (parts, body) = request.into_parts();
    let request = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    let mut response = request.send().await.map_err(failed)?;
    let mut answer = http::Response::builder().status(response.status());
    if let Some(headers) = answer.headers_mut() {
        *headers = response.headers().clone();
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > LONGEST {
            return Err(Error::internal("the provider's answer is too long"));
        }
        bytes.extend_from_slice(&chunk);
    }
    answer.body(bytes).map_err(Error::internal)
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split_whitespace()
}

/// What is told of everything that does not verify; the cause goes to the log.
fn refused(cause: impl ToString) -> Error {
    let message = "L'identification n'a pas abouti. Recommencez\u{a0}; si cela persiste, prévenez l'administrateur.";
    Error::new(Kind::Unauthenticated, "openid_refused", message).with_source(cause.to_string())
}

fn kind_of(error: &openidconnect::UserInfoError<Error>) -> String {
    use openidconnect::UserInfoError as E;
    match error {
        E::ClaimsVerification(e) => format!("userinfo: {e}{}", std::error::Error::source(e).map(|s| format!(" ({s})")).unwrap_or_default()),
        E::Response(status, ..) => format!("userinfo: unexpected answer, status {status}"),
        E::Request(_) => "userinfo: no answer".to_owned(),
        _ => "userinfo: unreadable answer".to_owned(),
    }
}
