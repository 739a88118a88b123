/** Kafka's jars: from Maven once, into a cache outside the repository (`TRIBUTARY_CACHE`); and what runs them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CACHE } from '#tests/cache.ts';

const KAFKA_VERSION = '4.4.0';
const PROJECT = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tributary</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.5</version></dependency>
  </dependencies>
</project>
`;
const COPY_DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';

/** What is missing to run a broker here, in words; undefined = nothing. */
export function missingForBroker(): string | undefined {
  const needed = existsSync(join(cacheDirectory(), 'libs')) ? ['java'] : ['java', 'mvn'];
  const missing = needed.filter(
    (tool) => !(process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, tool))),
  );
  return missing.length === 0 ? undefined : `${missing.join(' and ')} not found`;
}

/** Of this version of Kafka. */
export function cacheDirectory(): string {
  return join(CACHE, `kafka-${KAFKA_VERSION}`);
}

/** The folder of jars; fetched beside it and moved there whole, so that a fetch cut short leaves nothing behind. */
export function fetchJars(): string {
  const libs = join(cacheDirectory(), 'libs');
  if (existsSync(libs)) return libs;
  mkdirSync(cacheDirectory(), { recursive: true });
  const work = mkdtempSync(join(cacheDirectory(), 'fetch-'));
  writeFileSync(join(work, 'pom.xml'), PROJECT);
  execute('mvn', ['-B', '-q', COPY_DEPENDENCIES, '-DoutputDirectory=libs', '-DincludeScope=runtime'], work);
  try {
    renameSync(join(work, 'libs'), libs);
  } catch (error) {
    // Somebody else fetched them meanwhile.
    if (!existsSync(libs)) throw error;
  }
  rmSync(work, { recursive: true, force: true });
  return libs;
}

export function execute(command: string, args: readonly string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? ''}\n${stdout}\n${stderr}`.trim());
}
