/**
 * What kept git from doing what was asked, in words a person can act on. git says why only in
 * prose, so this is the one place that reads it; everybody else matches on `reason`.
 */

export type FetchReason =
  | "AuthenticationRefused"
  | "BranchCheckedOut"
  | "CorruptMirror"
  | "DiskFull"
  | "GitFailed"
  | "GitMissing"
  | "NotARepository"
  | "PermissionDenied"
  | "PushDeclined"
  | "PushRefused"
  | "RemoteUnreachable"
  | "Timeout"
  | "TooLarge"
  | "TransportRefused"
  | "UnknownCommit";

/** Retrying may help, once its cause is gone. `hint` says what to do; neither text holds a credential. */
export class FetchError extends Error {
  override readonly name = "FetchError";
  readonly reason: FetchReason;
  readonly hint: string;

  constructor(reason: FetchReason, message: string, hint = hints[reason]) {
    super(message);
    this.reason = reason;
    this.hint = hint;
  }
}

const hints: Readonly<Record<FetchReason, string>> = {
  AuthenticationRefused:
    "check the credentials configured for this repository, and that they may read and write it",
  BranchCheckedOut:
    "name a bare repository, or let git bring the folder along: `git config receive.denyCurrentBranch updateInstead` in it",
  CorruptMirror:
    "nothing to do: the mirror is a copy, and the next fetch clones it afresh; if it happens again, check the disk",
  DiskFull: "free space on the disk of the data directory; the next attempt goes on from here",
  GitFailed: "run the same git command by hand on this machine to see more",
  GitMissing: "install git 2.31 or newer, and see that it is in PATH",
  NotARepository:
    "check the repository's URL; a private repository that the credentials cannot see looks the same",
  PermissionDenied: "let the controller's user read and write the files named above",
  PushDeclined:
    "let the controller's account push to this branch: look at the forge's branch rules and hooks",
  PushRefused: "somebody else pushed first: fetch, build on the new tip, and push again",
  RemoteUnreachable:
    "check the URL, the network and the proxy; nothing is changed until the remote answers",
  Timeout: "check the network, or raise the time limit for a large repository",
  TooLarge: "ask for fewer or smaller files",
  TransportRefused: "use an https://, ssh:// or file URL, or a path",
  UnknownCommit: "fetch first; a rewritten history may have dropped the commit",
};

/** First match wins: git reports the cause before its consequences. */
const causes: readonly (readonly [RegExp, FetchReason])[] = [
  [/No space left on device|disk quota exceeded/i, "DiskFull"],
  [/spawn \S+ ENOENT/, "GitMissing"],
  [/^(fatal|error): (loose object .* is corrupt|unable to read [0-9a-f]{40})/m, "CorruptMirror"],
  [/branch is currently checked out/, "BranchCheckedOut"],
  [
    /\[rejected\]|cannot lock ref|failed to update ref|reference already exists|incorrect old value/,
    "PushRefused",
  ],
  [/\[remote rejected\]/, "PushDeclined"],
  [/transport '[^']*' not allowed|unable to find remote helper/i, "TransportRefused"],
  [
    /authentication failed|could not read (username|password)|permission denied \(|invalid (username|credentials)|returned error: 40[13]|access denied|host key verification failed/i,
    "AuthenticationRefused",
  ],
  [
    /does not appear to be a git repository|not a git repository|repository .*not found|returned error: 404|not valid: is this a git repository|invalid gitfile format/i,
    "NotARepository",
  ],
  [
    /could not resolve|connection (refused|timed out|reset)|couldn't connect|failed to connect|network is unreachable|no route to host|unable to access|unable to connect|hung up|early eof|rpc failed|could not read from remote/i,
    "RemoteUnreachable",
  ],
  [
    /permission denied|insufficient permission|dubious ownership|read-only file system/i,
    "PermissionDenied",
  ],
  [
    /corrupt|does not match index|is too small|bad object|bad (pack|index|signature|tree)|missing (blob|tree|commit|object)|unable to (read|unpack|parse)|inflate|could not read \w{40}|not a (valid|tree) object|too-short tree/i,
    "CorruptMirror",
  ],
];

/** What `output`, masked already, says went wrong while `doing` something. */
export function explain(doing: string, output: string): FetchError {
  const reason = causes.find(([pattern]) => pattern.test(output))?.[1] ?? "GitFailed";
  return new FetchError(reason, `${doing}: ${lastWords(output)}`);
}

/** The lines that carry the cause, without git's labels, on one line. */
function lastWords(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /^(fatal:|error:|remote:|!) *\S/.test(line));
  const said = (lines.length > 0 ? lines : output.trim().split("\n").slice(-1))
    .map((line) => line.replace(/^(fatal:|error:|remote:|!) */, "").replace(/\.$/, ""))
    .filter((line) => line !== "");
  return [...new Set(said)].slice(0, 3).join("; ") || "git ended without saying why";
}
