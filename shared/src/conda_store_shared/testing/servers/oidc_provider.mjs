// An OpenID Connect provider on loopback: any name logs in, with any password; PKCE is required.
// Usage: node oidc_provider.mjs CONFIGURATION LIBRARY
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [configurationFile, library] = process.argv.slice(2);
const { port, issuer, client, groups, claimsInIdToken } = JSON.parse(readFileSync(configurationFile, "utf8"));
const { default: Provider } = await import(pathToFileURL(library));

const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

const provider = new Provider(issuer, {
  clients: [{ ...client, grant_types: ["authorization_code"], response_types: ["code"] }],
  claims: {
    openid: ["sub"],
    profile: ["preferred_username", "name", "groups"],
    email: ["email", "email_verified"],
  },
  conformIdTokenClaims: !claimsInIdToken,
  cookies: { keys: [randomBytes(32).toString("hex")] },
  features: { devInteractions: { enabled: true } },
  findAccount: (_context, name) => ({
    accountId: name,
    claims: () => ({
      sub: name,
      preferred_username: name,
      name: `${name} of the tests`,
      groups: groups[name] ?? [],
      email: `${name}@id.example`,
      email_verified: true,
    }),
  }),
  jwks: { keys: [{ ...key, use: "sig", alg: "RS256", kid: randomBytes(8).toString("hex") }] },
  pkce: { required: () => true },
});

provider.listen(port, "127.0.0.1");
