/** Prints the figures of one repository size as JSON: memory is only told apart between processes. */
import { planCost } from "./plan-cost.ts";

const [count = "100", home = "."] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await planCost(Number(count), home)));
