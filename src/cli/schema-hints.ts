/** What an editor says about a key while somebody writes it; docs/provider-guide.md says the rest. */

/** By JSON pointer into the schema. */
export type Hints = { readonly [pointer: string]: string };

const capability =
  "/properties/capabilities/anyOf/0/properties/resourceTypeCapabilities/anyOf/0/items";
const manifestWorkflow = "/properties/workflows/anyOf/0/items/properties";
const parameter = "/properties/parameters/anyOf/0/items/properties";
const step = "/properties/steps/items/properties";

export const providerHints: Hints = {
  "/properties/compatibility": "Versions of this format, which is 1.x",
  [`${capability}/properties/type`]: "The resource type, as a spec has it",
  [`${capability}/properties/aliasFor`]: "Another type that serves this one",
  [`${capability}/properties/stateful`]: "It holds data: its deletion waits out `statefulGrace`",
  [`${capability}/properties/operations/properties/create`]: "Makes it, or finds that it is there",
  [`${capability}/properties/operations/properties/update`]: "Changes what can change in place",
  [`${capability}/properties/operations/properties/delete`]: "Removes it, or finds that it is gone",
  [`${capability}/properties/operations/properties/observe`]:
    "Puts out `exists`: whether it is there",
  [`${manifestWorkflow}/file`]: "Relative to the manifest",
  [`${manifestWorkflow}/tags`]: "Classes that choose it",
};

export const workflowHints: Hints = {
  "/properties/outputs": "Templates by name; names that say so are secret",
  "/properties/target": "A template: what runs change, where that is not the resource itself",
  "/properties/retrySafe": "Whether steps may be repeated unasked: true, unless there is a target",
  [`${parameter}/required`]: "A spec that gives none is a problem",
  [`${parameter}/default`]: "Taken where nothing is given; a template over the engine's inputs",
  [`${parameter}/enum`]: "The values that are allowed",
  [`${parameter}/pattern`]: "A regular expression that text has to match",
  [`${parameter}/sensitive`]: "Plans do not show its value",
  [`${parameter}/immutable`]: "A change of it plans a replacement",
  [`${parameter}/onlyGrows`]: "A change to less, or to an earlier one of `enum`, is a problem",
  [`${step}/type`]: "kubernetes, policy, secret, sql, wait or http",
  [`${step}/config`]: "Of the step's type; every text in it is a template",
  [`${step}/retries`]: "Further attempts after one that failed: 3",
  [`${step}/retrySafe`]: "Whether it may be repeated when nobody knows what a killed attempt did",
  [`${step}/when`]: "A template: left out where it gives nothing, `false`, `0` or `no`",
  [`${step}/dependsOn`]: "Steps that come before it",
};

const deletion = "/properties/deletion/properties";

export const repositoryHints: Hints = {
  "/properties/specs": "Where Score specs are: patterns",
  "/properties/providers": "Where provider manifests are: patterns",
  "/properties/environments": "Each a branch; without any, `default` is the default branch",
  [`${deletion}/budget`]: "How many resources may be deleted within an hour without an approval",
  [`${deletion}/approval`]: "When deletions wait for an approval of the plan",
  "/properties/status/properties/branch": "Where status is committed",
};
