/** Where a tree of objects lies, as its text says it. Nothing in a URI is percent-decoded: a prefix is a prefix. */
export type Location =
  | { readonly type: 'local'; readonly path: string }
  | { readonly type: 's3'; readonly bucket: string; readonly prefix: string }
  | {
      readonly type: 'azure';
      readonly container: string;
      readonly prefix: string;
      /** Host of `abfss://container@host/…`, which names the account. */
      readonly host?: string;
    };

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

/** The scheme of a URI in lower case; undefined for a plain path. */
export function schemeOf(text: string): string | undefined {
  return SCHEME.exec(text)?.[1]?.toLowerCase();
}

/** Whether a text names a place on an object store. */
export function isRemote(text: string): boolean {
  const scheme = schemeOf(text);
  return scheme !== undefined && scheme !== 'file';
}

/** The place that a text names, or what is wrong with the text. */
export function parseLocation(text: string): Location | { readonly problem: string } {
  const scheme = schemeOf(text);
  if (scheme === undefined) return { type: 'local', path: text };
  const rest = text.slice(text.indexOf('://') + 3);
  const slash = rest.indexOf('/');
  const name = slash < 0 ? rest : rest.slice(0, slash);
  const prefix = (slash < 0 ? '' : rest.slice(slash + 1)).replace(/\/+$/, '');
  switch (scheme) {
    case 'file':
      return { type: 'local', path: text };
    case 's3': {
      const problem = bucketProblem(name) ?? prefixProblem(prefix);
      return problem === undefined ? { type: 's3', bucket: name, prefix } : { problem };
    }
    case 'az':
    case 'azblob': {
      const problem = containerProblem(name) ?? prefixProblem(prefix);
      return problem === undefined ? { type: 'azure', container: name, prefix } : { problem };
    }
    case 'abfs':
    case 'abfss':
      return azureLocation(name, prefix);
    default:
      return { problem: `the scheme ${scheme}:// is none of s3, abfss, az, azblob and file` };
  }
}

function azureLocation(name: string, prefix: string): Location | { readonly problem: string } {
  const [container = '', host] = name.split('@');
  const problem = containerProblem(container) ?? prefixProblem(prefix);
  if (problem !== undefined) return { problem };
  if (host === undefined || !/^[a-z0-9]+\.(?:dfs|blob)\.[a-z0-9.-]+$/i.test(host)) {
    return { problem: 'it must read abfss://<container>@<account>.dfs.core.windows.net/<path>' };
  }
  return { type: 'azure', container, prefix, host: host.toLowerCase() };
}

/** No problem repeats the value, which may come from a variable. The rules of AWS, without those that S3-compatible stores do not share. */
export function bucketProblem(name: string): string | undefined {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/.test(name)
    ? undefined
    : 'that is no name of a bucket: letters, digits, dots, dashes and underscores';
}

export function containerProblem(name: string): string | undefined {
  return /^(?:[a-z0-9](?:[a-z0-9]|-(?=[a-z0-9])){2,62}|\$root|\$web)$/.test(name)
    ? undefined
    : 'that is no name of a container: 3 to 63 small letters, digits and single dashes';
}

/** Of a prefix with or without a slash at its ends. */
export function prefixProblem(text: string): string | undefined {
  const prefix = text.replace(/^\/|\/$/g, '');
  if (prefix === '') return undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const odd = /[\u0000-\u001f\u007f\\]/.test(prefix) || !prefix.isWellFormed();
  const segments = prefix.split('/');
  return odd || segments.some((segment) => segment === '' || segment === '.' || segment === '..')
    ? 'the prefix has an empty, "." or ".." segment, a backslash or a control character'
    : undefined;
}
/** `s3://bucket/prefix`. */
export function s3Uri(bucket: string, prefix = ''): string {
  return withPrefix(`s3://${bucket}`, prefix);
}

/** `az://container/prefix`. */
export function azureUri(container: string, prefix = ''): string {
  return withPrefix(`az://${container}`, prefix);
}

/** A path below a place; slashes between them are one slash. */
export function withPrefix(base: string, prefix: string): string {
  const inner = prefix.replace(/^\/+|\/+$/g, '');
  return inner === '' ? base : `${base.replace(/\/+$/, '')}/${inner}`;
}
