/**
 * The tools that the suites of the deployment need, each of one version, fetched once into a cache outside the repository
 * (`TRIBUTARY_CACHE`): helm and kubeconform are built by Go (minutes the first time), Prometheus and promtool come out of Debian's package
 * or are built by Go too; Kubernetes' control plane is one build of five programs. What cannot be had is an error that says what to install: a
 * check that is passed over checks nothing.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE, cached as inCache } from '#tests/cache.ts';

const run = promisify(execFile);
/** A Go build of Prometheus takes ten minutes on two busy cores. */
export const LONGEST_FETCH_MS = 1_800_000;

interface GoTool {
  readonly module: string;
  readonly version: string;
  /** What Go names the executable. Default: as here. */
  readonly executable?: string;
  /** Debian's package that has it; its version is Debian's. */
  readonly debian?: string;
}

const TOOLS = {
  helm: { module: 'helm.sh/helm/v3/cmd/helm', version: 'v3.22.0' },
  kubeconform: { module: 'github.com/yannh/kubeconform/cmd/kubeconform', version: 'v0.8.0' },
  // Plays the kubelets of a cluster's nodes.
  kwok: { module: 'sigs.k8s.io/kwok/cmd/kwok', version: 'v0.8.0' },
  // What `docker compose config` loads and checks files by.
  compose: { module: 'github.com/compose-spec/compose-go/v2/cmd', version: 'v2.16.2', executable: 'cmd' },
  prometheus: { module: 'github.com/prometheus/prometheus/cmd/prometheus', version: 'v0.316.0', debian: 'prometheus' },
  promtool: { module: 'github.com/prometheus/prometheus/cmd/promtool', version: 'v0.316.0', debian: 'prometheus' },
} as const satisfies Readonly<Record<string, GoTool>>;

/** Folder `name` of the tools'. */
export const cached = (name: string, make: (folder: string) => Promise<void>): Promise<string> =>
  inCache(`deploy-tools/${name}`, make);

/** Path of the executable. */
export async function tool(name: keyof typeof TOOLS): Promise<string> {
  const { module, version, debian, executable = name }: GoTool = TOOLS[name];
  if (debian !== undefined && (await isThere('apt-get'))) return join(await fromDebian(debian), 'usr/bin', name);
  return join(await cached(`${name}-${version}`, (folder) => build(`${module}@${version}`, folder)), executable);
}

/** Programs of a cluster without machines: package, and the name under which Go builds it. */
const CONTROL_PLANE = {
  'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
  'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
  'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
  kubectl: 'k8s.io/kubernetes/cmd/kubectl',
  // Of the version that kube-apiserver is built with.
  server: 'go.etcd.io/etcd/server/v3',
} as const;
export type ControlPlaneProgram = keyof typeof CONTROL_PLANE;

/**
 * Folder of these programs, of one version of Kubernetes. They are built as one module, since most of what they are made of is the same;
 * Kubernetes' own module refers to parts of its repository (`./staging`), which are published under the same version, with 0 for 1.
 */
export function controlPlane(version: string): Promise<string> {
  return cached(`control-plane-${version}`, async (folder) => {
    const sources = await goModule('k8s.io/kubernetes', `v${version}`);
    const staged = readFileSync(join(sources, 'go.mod'), 'utf8').matchAll(/^\t(\S+) => \.\/staging\//gm);
    const lines = [...staged].map(([, module]) => `replace ${module!} => ${module!} v${version.replace(/^1/, '0')}`);
    const needed = `require k8s.io/kubernetes v${version}`;
    writeFileSync(join(folder, 'go.mod'), `module control-plane\n\ngo 1.24.0\n\n${needed}\n\n${lines.join('\n')}\n`);
    // They say which version they are, which charts ask.
    const said = { gitVersion: `v${version}`, gitMajor: version.split('.')[0]!, gitMinor: version.split('.')[1]! };
    const flags = Object.entries(said).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
    const strip = ['-trimpath', WITHOUT_DEBUGGING, `-ldflags=-s -w ${flags.join(' ')}`];
    await go(['build', ...strip, '-o', `${folder}/`, ...Object.values(CONTROL_PLANE)], folder, { GOFLAGS: '-mod=mod' });
  });
}

/** Files that say what kwok makes of nodes and pods: ready at once; of a Job's pods: done well. */
export async function kwokStages(): Promise<string[]> {
  const sources = await goModule('sigs.k8s.io/kwok', TOOLS.kwok.version);
  const stages = ['node/fast/node-initialize', 'node/heartbeat/node-heartbeat'];
  for (const stage of ['ready', 'complete', 'delete']) stages.push(`pod/fast/pod-${stage}`);
  return stages.map((stage) => join(sources, 'kustomize/stage', `${stage}.yaml`));
}

/** Folder of a Go module's sources. */
export async function goModule(module: string, version: string): Promise<string> {
  // Outside any module, so that no go.mod is touched.
  mkdirSync(CACHE, { recursive: true });
  const { stdout } = await go(['mod', 'download', '-json', `${module}@${version}`], CACHE);
  return (JSON.parse(stdout) as { readonly Dir: string }).Dir;
}

/** What a debugger would read is a tenth of a compiler's work, and nobody debugs these. */
const WITHOUT_DEBUGGING = '-gcflags=all=-dwarf=false';

async function build(what: string, folder: string): Promise<void> {
  await go(['install', '-trimpath', WITHOUT_DEBUGGING, '-ldflags=-s -w', what], folder, { GOBIN: folder });
}

async function go(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}) {
  try {
    return await run('go', [...args], { cwd, env: { ...process.env, CGO_ENABLED: '0', ...env }, maxBuffer: 1e8 });
  } catch (cause) {
    throw new Error(`go ${args.join(' ')} failed; these suites need Go 1.26 or later.`, { cause });
  }
}

function fromDebian(name: string): Promise<string> {
  return cached(`${name}-debian`, async (folder) => {
    await run('apt-get', ['download', name], { cwd: folder });
    const archive = readdirSync(folder).find((file) => file.endsWith('.deb'))!;
    await run('dpkg-deb', ['-x', archive, '.'], { cwd: folder });
    rmSync(join(folder, archive));
  });
}

async function isThere(command: string): Promise<boolean> {
  return run(command, ['--version']).then(
    () => true,
    () => false,
  );
}
