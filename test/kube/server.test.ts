import { KubeConfig, KubernetesObjectApi } from "@kubernetes/client-node";
import { expect, inject, test } from "vitest";

const apiFor = (context: "admin" | "controller"): KubernetesObjectApi => {
  const config = new KubeConfig();
  config.loadFromString(inject("kube").kubeconfig);
  config.setCurrentContext(context);
  return KubernetesObjectApi.makeApiClient(config);
};

test("the API server answers who may do everything", async () => {
  const { items } = await apiFor("admin").list("v1", "Namespace");
  expect(items.map((it) => it.metadata?.name)).toContain("default");
});

test("the API server refuses the controller what no role grants", async () => {
  await expect(apiFor("controller").list("v1", "Namespace")).rejects.toMatchObject({ code: 403 });
});
