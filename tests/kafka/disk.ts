/** A disk of its own for one broker, that can be made full: a file system in memory whose size is changed under it. Only root can mount one. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, statfsSync } from 'node:fs';

const SIZE = 8 * 1024 ** 3;
/** Left when the disk is made full: what is written while its size changes must fit. */
const SLACK = 2 * 1024 ** 2;

export interface Disk {
  /** Two megabytes fit, and no more. */
  fill(): void;
  free(): void;
  unmount(): void;
}

/** Undefined: mounting is refused here. */
export function mountDisk(folder: string): Disk | undefined {
  mkdirSync(folder, { recursive: true });
  const mount = (...args: string[]): void => {
    execFileSync('mount', [...args, folder], { stdio: 'pipe' });
  };
  const resize = (bytes: number): void => mount('-o', `remount,size=${bytes}`);
  try {
    mount('-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs');
  } catch {
    return undefined;
  }
  return {
    fill: () => {
      const { blocks, bfree, bsize } = statfsSync(folder);
      resize((blocks - bfree) * bsize + SLACK);
    },
    free: () => resize(SIZE),
    unmount: () => {
      execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' });
    },
  };
}
