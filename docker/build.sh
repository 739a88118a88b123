#!/bin/sh
# Lays out in FOLDER what an image of the services holds: the sources without their tests, the dependencies that they run on, a bill of
# materials. The Dockerfile runs it, and a test does so without an engine: docker/build.sh FOLDER
#
# The embedded ClickHouse (half a gigabyte) stays out: services that run alone use a server. So does TensorFlow, which only training needs.
set -eu
source="$(cd "$(dirname "$0")/.." && pwd)"
target="$1"
mkdir -p "$target"
cd "$target"

cp "$source/package.json" "$source/package-lock.json" "$source/tsconfig.json" "$source/LICENSE" .
# No package of these needs its install script: what is compiled comes in the packages.
npm ci --omit=dev --ignore-scripts --no-audit --no-fund --prefer-offline
# With them in the manifest, npm would miss what is not there.
npm pkg delete devDependencies
npm sbom --sbom-format=cyclonedx >lock.cdx.json
rm -rf node_modules/chdb node_modules/@chdb node_modules/.package-lock.json
# The bill names what is there, not what the lock file has for other systems.
node -e '
  const fs = require("fs");
  const bill = JSON.parse(fs.readFileSync("lock.cdx.json", "utf8"));
  const manifests = fs.readdirSync("node_modules", { recursive: true })
    .filter((path) => /(^|node_modules\/)(@[^/]+\/)?[^/]+\/package\.json$/.test(path))
    .map((path) => JSON.parse(fs.readFileSync("node_modules/" + path, "utf8")));
  const installed = new Set(manifests.map(({ name, version }) => name + "@" + version));
  const isThere = (component) => installed.has(component["bom-ref"]);
  bill.components = bill.components.filter(isThere);
  const kept = new Set([bill.metadata.component, ...bill.components].map((component) => component["bom-ref"]));
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => kept.has(each)) }));
  fs.writeFileSync("sbom.cdx.json", JSON.stringify(bill));
'
rm lock.cdx.json

for folder in bin libs services proto; do cp -R "$source/$folder" .; done
mkdir -p docker
cp "$source/docker/healthcheck.js" docker/
find libs services -type d \( -name golden -o -name testing \) -prune -exec rm -rf {} +
find libs services -type f \( -name '*.test.ts' -o -name '*.test-tool.ts' -o -name '*.child.ts' \) -exec rm -f {} +
mkdir -p scripts
cp "$source/scripts/build.js" scripts/
node scripts/build.js
# Whoever runs it may read it; nobody has to write it.
chmod -R a+rX,go-w .
