import { expect, test } from "vitest";
import { isCredentialName } from "./credentials.ts";

const secret =
  "password admin_password db-password connection_string connection secret secret_key secretKey clientSecret token api_token access_key access_key_id accessKey private_key credentials dsn api-key database_url aws_secret_key";
const open =
  "host port username database database_name name credentials_secret secret_name namespace status url endpoint app_name tokenize region bucket public_key key token_url access_key_name";

test.each(secret.split(" "))("%s is a credential", (name) => {
  expect(isCredentialName(name)).toBe(true);
});

test.each(open.split(" "))("%s is none", (name) => {
  expect(isCredentialName(name)).toBe(false);
});
