"""Libraries from Maven Central: pinned versions, verified by SHA-256, downloaded once and kept under ~/.cache/aerostat/maven."""

import hashlib
import http.client
import os
import shutil
import tempfile
import urllib.error
import urllib.request

CENTRAL = "https://repo1.maven.org/maven2"

H2 = ["com.h2database:h2:2.3.232 8dae62d22db8982c3dcb3826edb9c727c5d302063a67eef7d63d82de401f07d3"]
LUCENE = ["org.apache.lucene:lucene-core:9.12.1 8d812e9fa6dbd816808205e6cb4d7ab43a747e379c8cb31a0d6dc91050b3f97a"]
JETTY = ["org.eclipse.jetty:jetty-server:12.0.16 9e3f17ca732154ee2c67cc2bc340f322b29335f74d65f7cc0104c2e9cdc6640e",
         "org.eclipse.jetty:jetty-http:12.0.16 b0751b3dd9a8abc79ba0c5061613843dba1d2ce231057f53ad3d038ca888dfb0",
         "org.eclipse.jetty:jetty-io:12.0.16 c8dfd2d88d34be5461417f2256be0cc868865c45815f7ee0e409ddd872f0e84f",
         "org.eclipse.jetty:jetty-util:12.0.16 a03d43c194993ebb4d51fbfe7fe29134d7863b28708380eeedd11797c83543cf",
         "org.slf4j:slf4j-api:2.0.16 a12578dde1ba00bd9b816d388a0b879928d00bab3c83c240f7013bf4196c579a",
         "org.slf4j:slf4j-simple:2.0.16 effc32018658bea09d1e08c7d1060ccad46c086960f583d07dd7ffe9c1172a47"]
HISTOGRAM = ["org.hdrhistogram:HdrHistogram:2.2.2 22d1d4316c4ec13a68b559e98c8256d69071593731da96136640f864fa14fad8"]

CAFFEINE = ["com.github.ben-manes.caffeine:caffeine:3.1.8 7dd15f9df1be238ffaa367ce6f556737a88031de4294dad18eef57c474ddf1d3"]


class Unreachable(Exception):
    """Maven Central cannot be reached, and the library is not in the cache."""


class WrongChecksum(Exception):
    """What came is not what was pinned. Never a reason to skip."""


def cache():
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "aerostat", "maven")


def libraries(pinned):
    """Paths of the jars; each is "group:name:version sha256"."""
    return [library(*one.split()) for one in pinned]


def library(coordinates, sha256):
    group, name, version = coordinates.split(":")
    below = "/".join([*group.split("."), name, version, f"{name}-{version}.jar"])
    path = os.path.join(cache(), below)
    if not os.path.exists(path) or checksum(path) != sha256:
        download(f"{CENTRAL}/{below}", path, sha256)
    return path


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def download(url, path, sha256):
    """Into place only when complete and verified, so that two at a time or a broken line leave nothing half."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path)) as partial:
        try:
            with urllib.request.urlopen(url, timeout=30) as source:
                shutil.copyfileobj(source, partial)
        except urllib.error.HTTPError as error:
            raise Unreachable(f"{url}: HTTP {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{url}: {error} (without a network, copy it to {path})") from error
        partial.flush()
        found = checksum(partial.name)
        if found != sha256:
            raise WrongChecksum(f"{url} has SHA-256 {found}, pinned is {sha256}")
        os.link(partial.name, f"{path}.{os.getpid()}")
    os.replace(f"{path}.{os.getpid()}", path)
