/** The forms that a secret value takes on its way through shells, URLs, JSON and base64. */

/**
 * Shorter forms are left alone: one or two characters stand in every line of text, so that masking
 * them would hide nothing and make everything unreadable.
 */
export const shortestForm = 3;

/**
 * Longer forms are looked for in pieces, each sharing a character with the next: a long value that
 * is cut short is masked as well, and no text takes longer than its length to search.
 */
export const longestForm = 256;

/** Every form of `value` to look for; none for one that is too short. White space around it is no secret. */
export function formsOf(value: string): string[] {
  const core = value.trim();
  const forms = [core, ...jsonForms(core), ...shellForms(core), ...lineForms(core)];
  // Half a surrogate pair has no UTF-8.
  if (Buffer.from(core, "utf8").toString("utf8") === core) {
    forms.push(...urlForms(core), ...base64Forms(core));
  }
  return core.length < shortestForm
    ? []
    : [...new Set(forms.flatMap(piecesOf))].filter((it) => it.length >= shortestForm);
}

function piecesOf(form: string): string[] {
  if (form.length <= longestForm) return [form];
  const stride = longestForm - 1;
  const count = Math.ceil((form.length - longestForm) / stride);
  const pieces = Array.from({ length: count }, (_, n) =>
    form.slice(n * stride, n * stride + longestForm),
  );
  return [...pieces, form.slice(-longestForm)];
}

/** A log may show a key file line by line, each with something before it. */
function lineForms(value: string): string[] {
  const lines = value.split(/[\r\n]+/).map((it) => it.trim());
  return lines.flatMap((line) => [line, ...jsonForms(line)]);
}

/** As JavaScript, Go (`<` as \u003c), Python (ASCII only) and PHP (`\/`) write it; and once more inside JSON. */
function jsonForms(value: string): string[] {
  const plain = jsonText(value);
  const html = plain.replace(/[<>&\u2028\u2029]/g, escapeUnit);
  return [
    plain,
    html,
    plain.replace(/[^\0-\x7e]/g, escapeUnit),
    html.replace(/[^\0-\x7e]/g, escapeUnit),
    plain.replaceAll("/", "\\/"),
    jsonText(plain),
    jsonText(html),
  ];
}

const jsonText = (value: string): string => JSON.stringify(value).slice(1, -1);

const escapeUnit = (unit: string): string =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** In single quotes, in double quotes, with backslashes, as `$'…'`; and doubled, for SQL and YAML. */
function shellForms(value: string): string[] {
  // What bash's printf %q puts one before; other shells' versions spare the comma.
  const backslashed = value.replace(/[\s!"$&'()*,;<>?[\\\]^`{|}]|^#|(?<=^|[=:])~/g, "\\$&");
  return [
    value.replaceAll("'", String.raw`'\''`),
    value.replaceAll("'", `'"'"'`),
    value.replace(/[\\"$`]/g, "\\$&"),
    value.replace(/[\\"$`!]/g, "\\$&"),
    backslashed,
    backslashed.replaceAll("\\,", ","),
    value.replace(/[\\']/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t"),
    value.replaceAll("'", "''"),
  ];
}

/** Encoders differ in what they leave alone, in the case of digits, and in how they write a blank. */
function urlForms(value: string): string[] {
  const component = encodeURIComponent(value);
  const strict = component.replace(/[!'()*]/g, percent);
  const upper = [
    component,
    strict,
    strict.replaceAll("%20", "+"),
    new URLSearchParams({ "": value }).toString().slice(1),
    strict.replaceAll("%2F", "/"),
    encodeURI(value),
    // Go's url.PathEscape and url.UserPassword.
    strict.replace(/%(?:24|26|2B|3D|3A|40)/g, decodeURIComponent),
    strict.replace(/%(?:24|26|2B|2C|3B|3D)/g, decodeURIComponent),
  ];
  return upper.flatMap((it) => [it, it.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())]);
}

const percent = (unit: string): string => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`;

/**
 * Base64 of the value alone, and what is left of it inside base64 of something longer: it may begin
 * at each of three places in a group, and the characters it shares with its neighbours vary.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  const inside = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  });
  const alone = bytes.toString("base64");
  const forms = [alone, alone.replaceAll("=", ""), ...inside, ...wrapped(alone)];
  return forms.flatMap((it) => [it, it.replaceAll("+", "-").replaceAll("/", "_")]);
}

/** `base64` breaks its lines after 76 characters, and PEM after 64. */
function wrapped(text: string): string[] {
  return [64, 76]
    .filter((width) => text.length > width)
    .flatMap((width) => text.match(new RegExp(`.{1,${width}}`, "g")) ?? [])
    .filter((line) => line.length >= 8);
}
