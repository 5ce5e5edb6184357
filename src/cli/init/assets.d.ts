/** Data files that are embedded with `type: 'text'`. */
declare module '*.csv' {
  const text: string;
  export default text;
}

declare module '*.jsonl' {
  const text: string;
  export default text;
}
