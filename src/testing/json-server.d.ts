/** What the tests use of json-server 0.17, which brings no types. */
declare module 'json-server' {
  interface Router {
    readonly db: { setState(state: object): void };
  }
  interface App {
    use(handler: unknown): void;
    listen(port: number, host: string, ready: () => void): import('node:http').Server;
  }
  const jsonServer: {
    create(): App;
    defaults(options: { readonly logger: boolean }): unknown;
    router(state: object): Router;
  };
  export default jsonServer;
}
