#!/usr/bin/env node
/** `innominatus`: the command line of DESIGN.md §10. */
import { runProcess } from "./process.ts";
import { createProgram } from "./program.ts";

await runProcess(createProgram);
