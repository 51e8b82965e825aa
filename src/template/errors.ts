/**
 * How rendering stops: one error that says where in the template, what is so and what to write
 * instead. It names references and functions, never a value (law 7).
 */

export class TemplateError extends Error {
  override readonly name = "TemplateError";
  /** UTF-16 units into the template's text. */
  readonly offset: number;
  readonly hint: string;

  constructor(offset: number, message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.offset = offset;
    this.hint = hint;
  }
}
