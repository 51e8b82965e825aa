#!/usr/bin/env bash
# From a login to a database and its outputs, over HTTP, against a server that runs:
#
#   INNOMINATUS_ADMIN_PASSWORD=… innominatus --repo …           # in one terminal
#   INNOMINATUS_ADMIN_PASSWORD=… scripts/demo-postgres-provisioning.sh   # in another
#
# It needs bash, curl and node. What it deploys it removes again; with KEEP=true it stays.
set -euo pipefail

server=${INNOMINATUS_API_BASE:-http://localhost:8081}
user=${INNOMINATUS_ADMIN_USER:-admin}
app=${APP:-postgres-mock-app}
patience=${TIMEOUT:-30}
token=""
seen=""

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf 'error: %s\n  next: %s\n' "$1" "$2" >&2
  exit 1
}

# The token goes by a file descriptor: on a command line, everybody on the machine could read it.
call() {
  local method=$1 path=$2
  shift 2
  curl --silent --show-error --fail-with-body --max-time 30 --request "$method" \
    --header @<(printf 'Authorization: Bearer %s\n' "$token") "$@" "$server$path"
}

# Reads JSON: `pick 'it.name'` prints what the expression gives for the document on standard input.
pick() {
  node -e '
    const text = require("node:fs").readFileSync(0, "utf8");
    const value = new Function("it", `return (${process.argv[1]})`)(JSON.parse(text));
    if (value !== undefined && value !== null) console.log(value);
  ' "$1"
}

for it in curl node; do
  command -v "$it" >/dev/null || fail "$it is not installed" "install it, and run this again"
done
[[ -n ${INNOMINATUS_ADMIN_PASSWORD:-} ]] ||
  fail "INNOMINATUS_ADMIN_PASSWORD is not set" "set it to the password of $user"

say "1 health of $server"
health=$(curl --silent --show-error --fail --max-time 10 "$server/health") ||
  fail "nothing healthy answers at $server" "start innominatus, or set INNOMINATUS_API_BASE"
pick 'it.status' <<<"$health"

say "2 login as $user"
token=$(
  SCORE_USER=$user node -e '
    const { SCORE_USER: username, INNOMINATUS_ADMIN_PASSWORD: password } = process.env;
    console.log(JSON.stringify({ username, password }));
  ' | curl --silent --show-error --fail-with-body --max-time 30 \
    --header 'Content-Type: application/json' --data @- "$server/api/login" | pick 'it.token'
) || fail "the login was refused" "check INNOMINATUS_ADMIN_PASSWORD"
echo "signed in"

say "3 who serves postgres-mock"
found=$(call GET /api/providers | pick '
  it.filter((p) => p.capabilities.some((c) => c.type === "postgres-mock"))
    .map((p) => `${p.name}@${p.version}`).join("\n") || undefined')
[[ -n $found ]] || fail "no provider serves postgres-mock" "load the shipped providers"
echo "$found"

say "4 deploy $app"
call POST /api/specs --header 'Content-Type: application/yaml' --data-binary @- <<SPEC | pick '
  `${it.file} at ${it.commit.slice(0, 8)} on ${it.branch}: ${it.plan.summary.create} to create`'
apiVersion: score.dev/v1b1
metadata:
  name: $app
containers:
  main:
    image: nginx:1.27
    variables:
      DB_HOST: \${resources.db.host}
resources:
  db:
    type: postgres-mock
    params:
      size: small
SPEC

# What was deployed goes again, however this ends.
remove() {
  [[ ${KEEP:-false} == true ]] && return
  call DELETE "/api/specs/$app" >/dev/null || true
}
trap remove EXIT

say "5 requested → provisioning → active"
resource=""
end=$((SECONDS + patience))
while :; do
  resource=$(call GET "/api/resources?app=$app&type=postgres-mock")
  state=$(pick 'it[0]?.state' <<<"$resource")
  if [[ -n $state && $state != "$seen" ]]; then
    echo "$state"
    seen=$state
  fi
  [[ $state == active ]] && break
  [[ $state == failed ]] &&
    fail "$(pick 'it[0].error_message' <<<"$resource")" "see innominatus-ctl why $app.db"
  ((SECONDS < end)) || fail "it is not active after $patience s" "see innominatus-ctl status $app"
  sleep 0.2
done

say "6 the workflow that made it"
run=$(pick 'it[0].workflow_execution_id' <<<"$resource")
call GET "/api/workflows/$run" | pick '
  [`${it.workflow_name}: ${it.status}`, ...it.steps.map((s) => `  ${s.step_number} ${s.step_name}: ${s.status}`)].join("\n")'

say "7 its outputs, secrets as references"
pick '
  (({ outputs, secret_refs }) =>
    Object.entries({ ...outputs, ...secret_refs }).map(([k, v]) => `  ${k}: ${v}`).join("\n"))(
    it[0].provider_metadata)' <<<"$resource"

printf '\n%s is active, after %d s\n' "$app" "$SECONDS"
