"""layers.py -- who may include whom. The table below is the architecture's picture of layers; a file that
includes a header its layer must not know is a fault. So is another layer's private header (*_priv.h), and a
thread started where there must be one thread only."""
import re

from lint import TOP, code_of, finish, text_of, uncommented, walk

# Layer: (the files it is made of, the project's headers that it may include). Both are prefixes of paths;
# the longest prefix that fits a file decides its layer. What a layer is made of it may always include.
PROTO = ["src/master/master_proto.h", "pool/zygote_proto.h", "mpm/child_proto.h"]
LAYERS = {
    "base":   (["src/base/"], []),
    "fcgi":   (["src/fcgi/"], ["src/base/"]),
    "conf":   (["src/conf/"], ["src/base/", "src/fcgi/"]),
    "loader": (["sapi/"], ["src/base/", "src/conf/"]),
    "php":    (["sapi/php/"], ["sapi/sapi.h", "src/base/"]),
    "native": (["sapi/native/"], ["sapi/sapi.h", "src/base/"]),
    "wsgi":   (["sapi/wsgi/"], ["sapi/sapi.h", "src/base/"]),
    "mpm":    (["mpm/"], ["sapi/sapi.h", "src/base/", "src/fcgi/", "src/conf/"]),
    "pool":   (["pool/"], ["mpm/", "sapi/", "src/base/", "src/fcgi/", "src/conf/"] + PROTO),
    "master": (["src/master/"], ["pool/", "sapi/", "src/base/", "src/conf/"] + PROTO),
    "apache": (["src/apache/"], ["src/base/", "src/conf/"]),
    "main":   (["src/main.c"], ["src/apache/", "src/master/", "pool/", "mpm/", "sapi/", "src/base/", "src/conf/"]),
    "bench":  (["src/tools/weirbench"], ["src/base/", "src/fcgi/"]),
    "doc":    (["src/tools/weir_doc"], ["src/base/", "src/conf/"]),
}
FOREIGN = {"php": [""], "bench": ["config.h"]}   # headers in "" that are not the project's
NOT_FOR_OTHERS = ["sapi/php/", "sapi/native/", "sapi/wsgi/"]    # a plug-in's headers are its own
THREADS = ["mpm/"]                              # threads start in children only

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def layer_of(name):
    fits = [(len(p), layer) for layer, (own, _) in LAYERS.items() for p in own if name.startswith(p)]
    return max(fits)[1] if fits else None


def begins(name, prefixes):
    return any(name.startswith(p) for p in prefixes)


def allowed(layer, header):
    own, others = LAYERS[layer]
    if layer_of(header) == layer:
        return True
    if header.endswith("_priv.h") or begins(header, [p for p in NOT_FOR_OTHERS if p not in own]):
        return False
    return begins(header, others)


def main():
    faults = []
    for name in walk(["src", "pool", "mpm", "sapi"], ".c", ".h"):
        layer, text = layer_of(name), text_of(name)
        if layer is None:
            faults.append("%s: belongs to no layer of tests/lint/layers.py" % name)
            continue
        for m in INCLUDE.finditer(uncommented(text)):
            line = text.count("\n", 0, m.start(1)) + 1
            if not (TOP / m[1]).exists():
                if not begins(m[1], FOREIGN.get(layer, [])):
                    faults.append('%s:%d: "%s" is not in the tree: written from its top?' % (name, line, m[1]))
            elif not allowed(layer, m[1]):
                faults.append("%s:%d: layer %s must not include %s" % (name, line, layer, m[1]))
        if not begins(name, THREADS) and re.search(r"\bpthread_create\b", code_of(text)):
            faults.append("%s: starts a thread outside %s" % (name, ", ".join(THREADS)))
    finish(faults)


if __name__ == "__main__":
    main()
