/** Which output names are credentials by themselves (law 7): the safe side, unless a workflow says `sensitive: false`. */

const secretWords =
  /(^|_)(passwords?|passwd|passphrase|pwd|tokens?|dsn|credentials?|secrets?|(private|access|secret|api|signing|encryption|account)_?keys?|apikeys?|kubeconfig|connection_(string|ur[il])|connstr)(_|$)/;

/** Addresses that carry their password with them, as the Score community's provisioners write them. */
const secretAddresses =
  /^(connection|(database|db|postgres|postgresql|mysql|mssql|mongodb|mongo|redis|amqp|rabbitmq|jdbc|broker)_ur[il])$/;

/** Names of a place where a credential is kept, or facts about one; `credentials_secret` names a Kubernetes Secret. */
const aboutSecrets =
  /(^|_)(name|namespace|ref|reference|endpoint|arn|path|file|type|length|count|expiry|expires(_at)?|expires_in)$|^credentials?_secret$|^token_ur[il]$/;

/** True where an output of this name is taken for a secret; reads `-` and camelCase as `_`. */
export function isCredentialName(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/[-.\s]/g, "_")
    .toLowerCase();
  return !aboutSecrets.test(words) && (secretWords.test(words) || secretAddresses.test(words));
}
