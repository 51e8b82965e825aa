#!/usr/bin/env node
/** `innominatus-ctl`: what people and scripts use a server with, under upstream's names. */
import { processKeyboard } from "./ctl/keyboard.ts";
import { createCtl } from "./ctl/program.ts";
import { runProcess } from "./process.ts";

await runProcess((context, onExit) =>
  createCtl({ ...context, stdin: processKeyboard(), fetch }, onExit),
);
