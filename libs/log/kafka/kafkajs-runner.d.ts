/** Of kafkajs' inside, which has no types; see inside.ts. */
declare module 'kafkajs/src/consumer/runner.js' {
  interface Runner {
    readonly running: boolean;
    fetch: (this: Runner, nodeId: string) => Promise<readonly unknown[]>;
  }
  const Runner: { readonly prototype: Runner };
  export default Runner;
}
