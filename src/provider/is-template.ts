/** Whether a string of a workflow has anything to render. */
export const isTemplate = (text: string): boolean => text.includes("{{");
