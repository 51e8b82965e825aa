/**
 * All providers together: who serves which type. A higher layer takes a type over from a lower one;
 * two claims in one layer are a mistake that names both, and leave the type unserved.
 */
import { byPlace, compareText, type Problem } from "../model/problem.ts";
import { layers, type BrokenCapability, type Capability, type Provider } from "./provider.ts";
import type { Resolution } from "./resolve.ts";

export interface Claim {
  readonly provider: Provider;
  readonly capability: Capability | BrokenCapability;
}

export interface Claims {
  /** Of the highest layer that claims the type: one, unless they conflict. */
  readonly claims: readonly Claim[];
  /** Of lower layers, highest first. */
  readonly overruled: readonly Claim[];
}

export interface Catalog {
  /** All of them, whether they serve a type or not; higher layers first. */
  readonly providers: readonly Provider[];
  readonly byType: ReadonlyMap<string, Claims>;
  /** Of environments with a Kubernetes cluster. */
  readonly inCluster: boolean;
  /** What was resolved before. */
  readonly resolved: Map<string, Resolution>;
}

export interface BuiltCatalog {
  readonly catalog: Catalog;
  readonly problems: readonly Problem[];
}

export function buildCatalog(
  providers: readonly Provider[],
  { inCluster }: Pick<Catalog, "inCluster"> = { inCluster: false },
): BuiltCatalog {
  const sorted = providers.toSorted(
    (a, b) =>
      layers.indexOf(b.source.layer) - layers.indexOf(a.source.layer) ||
      compareText(a.name, b.name) ||
      byPlace({ ...a.place, ...anyCode }, { ...b.place, ...anyCode }),
  );
  const all = new Map<string, Claim[]>();
  for (const provider of sorted) {
    for (const capability of [...provider.capabilities, ...provider.broken]) {
      const claims = all.get(capability.type) ?? [];
      all.set(capability.type, [...claims, { provider, capability }]);
    }
  }
  const byType = new Map(
    [...all].map(([type, claims]): [string, Claims] => {
      const top = claims[0]?.provider.source.layer;
      const isTop = ({ provider }: Claim): boolean => provider.source.layer === top;
      return [type, { claims: claims.filter(isTop), overruled: claims.filter((it) => !isTop(it)) }];
    }),
  );
  const problems = [
    ...sameNames(sorted),
    ...[...all.values()].flatMap(conflicts),
    ...aliasProblems(byType),
  ];
  return {
    catalog: { providers: sorted, byType, inCluster, resolved: new Map() },
    problems: problems.toSorted(byPlace),
  };
}

const anyCode = { pointer: "", code: "", severity: "error", message: "" } as const;

/** For people: what tells a provider from another of its name. */
export const nameOf = ({ name, version, source, place }: Provider): string =>
  `${name}@${version} (${source.layer}: ${source.label}, ${place.file})`;

function sameNames(providers: readonly Provider[]): Problem[] {
  return providers.flatMap((provider, index) => {
    const other = providers
      .slice(0, index)
      .find((it) => it.name === provider.name && it.source.layer === provider.source.layer);
    if (other === undefined) return [];
    const message = `two providers are named "${provider.name}": ${nameOf(other)} and ${nameOf(provider)}`;
    return [problemAt(provider, "provider/duplicate-name", message, "rename one of them")];
  });
}

function conflicts(claims: readonly Claim[]): Problem[] {
  return claims.flatMap(({ provider, capability }, index) => {
    const other = claims
      .slice(0, index)
      .find((it) => it.provider.source.layer === provider.source.layer);
    if (other === undefined || other.provider === provider) return [];
    const message = `the type "${capability.type}" is claimed by ${nameOf(other.provider)} and by ${nameOf(provider)}`;
    const hint = "remove it from one of the two";
    return [problemAt(capability, "provider/type-conflict", message, hint)];
  });
}

function aliasProblems(byType: Catalog["byType"]): Problem[] {
  return [...byType].flatMap(([type, { claims }]) => {
    const [claim] = claims;
    if (claim === undefined) return [];
    const seen = [type];
    let next = aliasOf(claim);
    while (next !== undefined) {
      if (next === type) {
        const message = `the aliases ${[...seen, type].join(" → ")} lead in a circle`;
        return [
          problemAt(
            claim.capability,
            "provider/alias-cycle",
            message,
            "let one of them have operations",
          ),
        ];
      }
      if (seen.includes(next)) return []; // a circle further on is reported there
      const target = byType.get(next)?.claims[0];
      if (target === undefined) {
        if (seen.length > 1) return [];
        const message = `"${type}" is an alias for "${next}", which no provider serves`;
        return [
          problemAt(
            claim.capability,
            "provider/unknown-alias",
            message,
            "name a type that is served",
          ),
        ];
      }
      seen.push(next);
      next = aliasOf(target);
    }
    return [];
  });
}

/** The type that this claim hands over to. */
export const aliasOf = ({ capability }: Claim): string | undefined =>
  "operations" in capability ? capability.aliasFor : undefined;

function problemAt(
  at: { readonly place: Provider["place"] },
  code: string,
  message: string,
  hint: string,
): Problem {
  return { ...at.place, pointer: "", code, severity: "error", message, hint };
}
