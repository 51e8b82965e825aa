/** Who one is, and with what one shows it. */
import { z } from "zod";
import { time } from "./common.ts";

export const roles = ["viewer", "operator", "approver", "admin"] as const;

/** What an API key may be restricted to. */
export const scopes = ["read", "write", "secrets", "approve", "admin"] as const;

export const loginRequest = z
  .object({ username: z.string().min(1).max(200), password: z.string().min(1).max(1_024) })
  .meta({ id: "LoginRequest" });

export const login = z
  .object({
    token: z.string().meta({ description: "For `Authorization: Bearer …`" }),
    username: z.string(),
    team: z.string(),
    role: z.enum(roles),
    expires: time,
  })
  .meta({ id: "Login" });

export const userInfo = z
  .object({
    username: z.string(),
    team: z.string().meta({ description: "The first of `teams`; empty where there is none" }),
    role: z.enum(roles).meta({ description: "The highest that the user has anywhere" }),
    teams: z.record(z.string(), z.enum(roles)),
    everywhere: z.enum(roles).nullable().meta({ description: "The role outside of any team" }),
    scopes: z.array(z.enum(scopes)),
    impersonated_by: z.string().nullable().meta({ description: "Who really acts" }),
  })
  .meta({ id: "UserInfo" });

export const impersonation = z
  .object({
    active: z.boolean(),
    username: z.string().meta({ description: "Whom this session acts as" }),
    impersonated_by: z.string().nullable(),
  })
  .meta({ id: "Impersonation" });

export const impersonateRequest = z
  .object({ username: z.string().min(1).max(200) })
  .meta({ id: "ImpersonateRequest" });

export const authConfig = z
  .object({ oidc_enabled: z.boolean(), oidc_provider_name: z.string() })
  .meta({ id: "AuthConfig" });

export const newApiKey = z
  .object({
    name: z.string().min(1).max(100),
    expiry_days: z.number().int().min(1).max(366).default(90),
    scopes: z.array(z.enum(scopes)).min(1).optional().meta({
      description: "Absent: all that the user's role has",
    }),
  })
  .meta({ id: "NewApiKey" });

const keyFacts = {
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  created_at: time,
  expires_at: time,
};

export const createdApiKey = z
  .object({ key: z.string().meta({ description: "Shown this once" }), ...keyFacts })
  .meta({ id: "CreatedApiKey" });

export const apiKey = z
  .object({ masked_key: z.string(), ...keyFacts, last_used_at: time.nullable() })
  .meta({ id: "ApiKey" });

export type Role = (typeof roles)[number];
export type ScopeName = (typeof scopes)[number];
