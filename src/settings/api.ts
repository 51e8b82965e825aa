/** What the settings say about the HTTP API: who may use it, and where specs are committed. */

export const roleNames = ["viewer", "operator", "approver", "admin"] as const;
export type RoleName = (typeof roleNames)[number];

export interface ApiUser {
  readonly username: string;
  /** Everywhere; absent: only in teams. */
  readonly role?: RoleName;
  readonly teams: { readonly [team: string]: RoleName };
  /** As `innominatus user hash` prints it. */
  readonly passwordHash: string;
}

export interface OidcSettings {
  readonly issuer: string;
  readonly audience: string;
  /** Absent: what the issuer's discovery document says. */
  readonly jwksUri?: string;
  readonly name: string;
  readonly usernameClaim: string;
  readonly groupsClaim: string;
  readonly groups: readonly {
    readonly group: string;
    readonly role: RoleName;
    /** Absent: everywhere. */
    readonly team?: string;
  }[];
}

export interface ApiSettings {
  /** Where a submitted spec goes that names none; absent: the only one there is. */
  readonly repository?: string;
  readonly environment?: string;
  /** With `{name}`. */
  readonly path: string;
  readonly mode: "commit" | "pull-request";
  readonly sessionMs: number;
  readonly metrics: "open" | "authenticated";
  /** Origins whose pages may call; none: no CORS. */
  readonly cors: readonly string[];
  /** Proxies in front that add to `X-Forwarded-For`. */
  readonly trustedProxies: number;
  readonly login: {
    readonly perUser: number;
    readonly perAddress: number;
    readonly windowMs: number;
  };
  readonly bodyBytes: number;
  readonly users: readonly ApiUser[];
  readonly teams: readonly { readonly name: string; readonly workloads: readonly string[] }[];
  readonly oidc?: OidcSettings;
  /** Secret. What the first administrator's password is, instead of a generated one. */
  readonly adminPassword?: string;
}
