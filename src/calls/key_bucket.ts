/** How many buckets there are. */
const BUCKETS = 4_096;

/**
 * Returns the bucket of a key. The worker of a bucket gets all calls whose keys
 * are in it, so what a pool remembers doesn't grow with the number of keys.
 */
export function bucketOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index++) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  // FNV-1a alone leaves similar keys in similar buckets.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % BUCKETS;
}
