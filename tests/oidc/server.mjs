// An OpenID Connect provider on the loopback for tests, set as ProConnect is: code with PKCE, `client_secret_post`, a signed userinfo,
// `acr`, ProConnect's claims, a logout with `id_token_hint`. It prints its address.
//
// Who signs in is said by the test itself: the header `x-person` of the request to the interaction, a JSON object of claims in percent
// escapes, with `acr` beside. No password: the protocol is what is tested.

import { createServer } from "node:http";

import { Provider, interactionPolicy } from "oidc-provider";

const people = new Map();
const redirects = { redirect_uris: ["http://127.0.0.1:9/connexion/proconnect/retour"], post_logout_redirect_uris: ["http://127.0.0.1:9/connexion"] };
const client = { client_secret: "un secret de test, assez long pour signer", token_endpoint_auth_method: "client_secret_post", ...redirects };

// A provider that lets in with less than was asked for: the hub must look for itself.
const policy = interactionPolicy.base();
for (const check of ["essential_acrs", "essential_acr"]) policy.get("login").checks.remove(check);

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      { client_id: "retex", userinfo_signed_response_alg: "RS256", ...client },
      { client_id: "retex-unsigned", ...client },
    ],
    acrValues: ["eidas0", "eidas1", "eidas2", "eidas3"],
    claims: { openid: ["sub"], acr: null, email: ["email", "email_verified"], given_name: ["given_name"], usual_name: ["usual_name"], siret: ["siret"], uid: ["uid"] },
    cookies: { keys: ["test"] },
    features: { devInteractions: { enabled: false }, jwtUserinfo: { enabled: true }, claimsParameter: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...people.get(sub) }) }),
    interactions: { policy, url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    // Everybody consents.
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid given_name usual_name email siret uid");
      grant.addOIDCClaims(["acr"]);
      await grant.save();
      return grant;
    },
    pkce: { required: () => true },
    scopes: ["openid", "email", "given_name", "usual_name", "siret", "uid"],
  });
  const answer = provider.callback();
  server.on("request", async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return answer(request, response);
    try {
      const { sub, acr, ...claims } = JSON.parse(decodeURIComponent(request.headers["x-person"]));
      people.set(sub, claims);
      await provider.interactionFinished(request, response, { login: { accountId: sub, acr } }, { mergeWithLastSubmission: false });
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  console.log(issuer);
});
