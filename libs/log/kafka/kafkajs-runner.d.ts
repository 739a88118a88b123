/** Of kafkajs' inside, which has no types; see inside.ts. */
declare module 'kafkajs/src/consumer/runner.js' {
  const Runner: {
    readonly prototype: { readonly running: boolean; fetch: (nodeId: string) => Promise<readonly unknown[]> };
  };
  export default Runner;
}
