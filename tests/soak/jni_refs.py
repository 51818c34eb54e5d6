"""JNI global references of a JVM, by its own count."""

import re


def jni_global_refs(service):
    said = service.jcmd("Thread.print")
    found = re.search(r"JNI global refs: (\d+)", said)
    if not found:
        raise ValueError("Thread.print does not tell of JNI global refs: " + said[-200:])
    return int(found.group(1))
