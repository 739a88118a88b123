/**
 * A broker's classes as the JVM has them in memory (application class-data sharing), kept in the cache: whoever maps them starts with
 * 1.9 s of processor instead of 3.1.
 */
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '#tests/ports.ts';
import { cacheDirectory, fetchJars } from './jars.ts';
import { KafkaNode } from './node.ts';

/** The file of them, made by a broker that runs for it alone where there is none. A JVM that cannot use it does without. */
export async function sharedClasses(): Promise<string> {
  fetchJars();
  const file = join(cacheDirectory(), 'classes.jsa');
  if (existsSync(file)) return file;
  const folder = mkdtempSync(join(cacheDirectory(), 'classes-'));
  try {
    const made = join(folder, 'classes.jsa');
    const [port, controllerPort] = await freePorts(2);
    const plan = { id: 1, port: port!, controllerPort: controllerPort! };
    const node = new KafkaNode(folder, 'AAAAAAAAAAAAAAAAAAAAAA', plan, [plan], '', [`-XX:ArchiveClassesAtExit=${made}`]);
    node.start();
    try {
      await node.ready();
    } finally {
      await node.end('SIGTERM');
    }
    renameSync(made, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return file;
}
