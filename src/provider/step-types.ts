/** Step types: those this build performs, and those the format knows beyond them. */

export const builtStepTypes: readonly string[] = [
  "http",
  "kubernetes",
  "policy",
  "secret",
  "sql",
  "tekton",
  "wait",
];

/** Upstream's executors and stubs: files that use them load, and a resource that needs them says why it cannot be made. */
export const foreseenStepTypes: readonly string[] = [
  "ansible",
  "argocd-app",
  "cost-analysis",
  "database-migration",
  "dummy",
  "git-commit-manifests",
  "gitea-repo",
  "monitoring",
  "resource-provisioning",
  "security",
  "tagging",
  "terraform",
  "terraform-generate",
  "validation",
  "vault-setup",
];
