/**
 * Completion in shells: a script asks the hidden command `__complete` with what is typed so far, and
 * gets one candidate a line, `word<tab>description`; `:files` asks for names of files.
 */
import type { Argument, Command, Option } from "commander";
import { visible } from "../../plan/render/visible.ts";
import { goldenPath, plan, provider, resource, spec, team, user, workflow } from "./answers.ts";
import { createClient, type Client } from "./client.ts";
import type { CtlContext } from "./context.ts";
import { nameOf } from "./resources.ts";

export const shells = ["bash", "zsh", "fish"] as const;

interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** Never fails and never writes to stderr: it would be in the midst of what somebody types. */
export async function printCandidates(
  context: CtlContext,
  program: Command,
  words: readonly string[],
): Promise<void> {
  const typed = words.at(-1) ?? "";
  const found = await candidates(context, program, words).catch(() => []);
  if (found === "files") {
    context.stdout.write(":files\n");
    return;
  }
  const lines = found
    .filter((it) => it.word.startsWith(typed))
    .map((it) => (it.about === "" ? it.word : `${it.word}\t${it.about}`));
  context.stdout.write(lines.map((it) => `${visible(it).replaceAll("\\t", "\t")}\n`).join(""));
}

async function candidates(
  context: CtlContext,
  program: Command,
  words: readonly string[],
): Promise<readonly Candidate[] | "files"> {
  const typed = words.at(-1) ?? "";
  const { command, given, option, flags } = read(program, words.slice(0, -1));
  if (option !== undefined) return valuesOf(context, option.name(), option.argChoices, flags);
  if (typed.startsWith("-")) {
    return command.options
      .filter((it) => !it.hidden && it.long !== undefined)
      .map((it) => ({ word: it.long ?? "", about: it.description }));
  }
  const commands = command.commands
    .filter((it) => !it.name().startsWith("__"))
    .map((it) => ({ word: it.name(), about: it.description() }));
  if (commands.length > 0) return commands;
  const argument = argumentAt(command, given);
  if (argument === undefined) return [];
  return valuesOf(context, argument.name(), argument.argChoices, flags);
}

interface Read {
  readonly command: Command;
  /** How many arguments it has already. */
  readonly given: number;
  /** The option whose value is to be completed. */
  readonly option: Option | undefined;
  readonly flags: { readonly server?: string };
}

/** What the words before the last one are. bash takes `--type=x` for three words. */
function read(program: Command, words: readonly string[]): Read {
  let command = program;
  let given = 0;
  let option: Option | undefined;
  const flags: { server?: string } = {};
  for (const word of words) {
    if (word === "=") continue;
    if (option !== undefined) {
      if (option.long === "--server") flags.server = word;
      option = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      const [name, value] = word.split("=", 2);
      const known = command.options.find((it) => it.long === name || it.short === name);
      if (known?.long === "--server" && value !== undefined) flags.server = value;
      option = value === undefined && (known?.required ?? false) ? known : undefined;
      continue;
    }
    const below = command.commands.find((it) => [it.name(), ...it.aliases()].includes(word));
    if (below === undefined) given += 1;
    else command = below;
  }
  return { command, given, option, flags };
}

const argumentAt = (command: Command, given: number): Argument | undefined => {
  const all = command.registeredArguments;
  const last = all.at(-1);
  return all[given] ?? (last?.variadic === true ? last : undefined);
};

/** Longer than this nobody waits for a word. */
const patienceMs = 2_000;
const mostNames = 200;

async function valuesOf(
  context: CtlContext,
  name: string,
  choices: readonly string[] | undefined,
  flags: Read["flags"],
): Promise<readonly Candidate[] | "files"> {
  if (choices !== undefined) return choices.map((word) => ({ word, about: "" }));
  if (["file", "path", "spec"].includes(name)) return "files";
  const namesOf = names[name];
  // `--output` with choices was above; without them it is a file.
  if (namesOf === undefined) return name === "output" ? "files" : [];
  const stop = AbortSignal.any([context.stop, AbortSignal.timeout(patienceMs)]);
  const found = await namesOf(await createClient({ ...context, stop }, flags));
  return [...new Map(found.map((it) => [it.word, it])).values()];
}

type NamesOf = (client: Client) => Promise<Candidate[]>;

const apps: NamesOf = async (client) =>
  (await client.list("/api/specs", spec, {}, mostNames)).map((it) => ({
    word: it.name,
    about: it.environment,
  }));

const resources: NamesOf = async (client) =>
  (await client.list("/api/resources", resource, {}, mostNames)).map((it) => ({
    word: nameOf(it),
    about: it.state,
  }));

const runs: NamesOf = async (client) =>
  (await client.list("/api/workflows", workflow, {}, 50)).map((it) => ({
    word: it.id,
    about: `${it.workflow_name} ${it.status}`,
  }));

const types: NamesOf = async (client) =>
  (await client.list("/api/resources", resource, {}, mostNames)).map((it) => ({
    word: it.resource_type,
    about: "",
  }));

/** By the name that an argument or an option has in the help. */
const names: { readonly [name: string]: NamesOf } = {
  app: apps,
  resource: resources,
  id: resources,
  run: runs,
  type: types,
  plan: async (client) =>
    (await client.list("/api/plans", plan, {}, 20)).map((it) => ({
      word: it.hash,
      about: it.environment,
    })),
  goldenpath: async (client) =>
    (await client.list("/api/golden-paths", goldenPath, {}, mostNames)).map((it) => ({
      word: it.name,
      about: it.description,
    })),
  user: async (client) =>
    (await client.list("/api/admin/users", user, {}, mostNames)).map((it) => ({
      word: it.username,
      about: it.role,
    })),
  team: async (client) =>
    (await client.list("/api/teams", team, {}, mostNames)).map((it) => ({
      word: it.name,
      about: it.workloads.join(", "),
    })),
  provider: async (client) =>
    (await client.list("/api/providers", provider)).map((it) => ({
      word: it.name,
      about: it.description,
    })),
};

export function completionScript(shell: string): string {
  switch (shell) {
    case "zsh":
      return zsh;
    case "fish":
      return fish;
    default:
      return bash;
  }
}

// A uid holds a `#`, which is quoted on the way in; in bash `=` and `:` break words, so the last
// piece of a word is all that is replaced.
const bash = `# bash completion for innominatus-ctl: source <(innominatus-ctl completion bash)
_innominatus_ctl() {
  local line current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  [[ $current == "=" ]] && current=""
  while IFS= read -r line; do
    if [[ $line == ":files" ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
      return
    fi
    COMPREPLY+=("$(printf '%q' "\${line%%$'\\t'*}")")
  done < <(innominatus-ctl __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$current" 2>/dev/null)
}
complete -F _innominatus_ctl innominatus-ctl
`;

const zsh = `#compdef innominatus-ctl
# zsh completion for innominatus-ctl: source <(innominatus-ctl completion zsh)
_innominatus_ctl() {
  local line
  local -a candidates
  while IFS= read -r line; do
    if [[ $line == ":files" ]]; then
      _files
      return
    fi
    line=\${line//:/\\\\:}
    candidates+=("\${line/$'\\t'/:}")
  done < <(innominatus-ctl __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  _describe 'innominatus-ctl' candidates
}
if [[ $funcstack[1] == _innominatus_ctl ]]; then
  _innominatus_ctl "$@"
else
  compdef _innominatus_ctl innominatus-ctl
fi
`;

const fish = `# fish completion for innominatus-ctl: innominatus-ctl completion fish | source
function __innominatus_ctl_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (innominatus-ctl __complete -- $words[2..] 2>/dev/null)
  if test "$found" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c innominatus-ctl -f -a '(__innominatus_ctl_complete)'
`;
