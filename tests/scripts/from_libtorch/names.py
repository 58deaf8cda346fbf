#!/usr/bin/env python3
"""names.py COMPILER INCLUDE_DIR NAMES DOCUMENT -- each of libtorch's public names exists here, or the document says why not.

Every name becomes a using-declaration of a program of its own line; those that the compiler does not know must stand in the
document between backticks: `ct::nn::Name`, `ct::nn::Class::member`, or with a star at the end for a group. What stands there
and exists fails too, so that the document stays true.
"""
import fnmatch
import re
import subprocess
import sys
import tempfile

compiler, include, names_file, document = sys.argv[1:]

# Members are looked up in one instance of a class template.
ARGUMENTS = {
    "ct::ExpandingArray": "<2>",
    "ct::ExpandingArrayWithOptionalElem": "<2>",
    "ct::OrderedDict": "<std::string, ct::Tensor>",
    "ct::autograd::Function": "<Double>",
    "ct::nn::ModuleHolder": "<ct::nn::LinearImpl>",
    "ct::nn::Cloneable": "<ct::nn::LinearImpl>",
    "ct::nn::ConvOptions": "<2>",
    "ct::nn::functional::ConvFuncOptions": "<2>",
    "ct::nn::ConvTransposeOptions": "<2>",
    "ct::nn::functional::ConvTransposeFuncOptions": "<2>",
    "ct::nn::ConstantPadOptions": "<2>",
    "ct::nn::ReflectionPadOptions": "<2>",
    "ct::nn::ReplicationPadOptions": "<2>",
    "ct::nn::AvgPoolOptions": "<2>",
    "ct::nn::MaxPoolOptions": "<2>",
    "ct::nn::MaxUnpoolOptions": "<2>",
    "ct::nn::functional::MaxUnpoolFuncOptions": "<2>",
    "ct::nn::LPPoolOptions": "<2>",
    "ct::nn::FractionalMaxPoolOptions": "<2>",
    "ct::nn::AdaptiveAvgPoolOptions": "<ct::ExpandingArray<2>>",
    "ct::nn::AdaptiveMaxPoolOptions": "<ct::ExpandingArray<2>>",
    "ct::data::Example": "<>",
    "ct::data::DataLoaderBase": "<Rows, Rows::BatchType, std::vector<size_t>>",
    "ct::data::StatelessDataLoader": "<Rows, ct::data::samplers::RandomSampler>",
    "ct::data::StatefulDataLoader": "<ct::data::datasets::ChunkDataset<Chunks>>",
    "ct::data::Iterator": "<Rows::BatchType>",
    "ct::data::datasets::Dataset": "<Rows>",
    "ct::data::datasets::BatchDataset": "<Rows, std::vector<ct::data::Example<>>>",
    "ct::data::datasets::ChunkDataReader": "<ct::data::Example<>>",
    "ct::data::datasets::ChunkDataset": "<Chunks>",
    "ct::data::datasets::MapDataset": "<Rows, ct::data::transforms::Stack<>>",
    "ct::data::datasets::SharedBatchDataset": "<Rows>",
    "ct::data::datasets::StatefulDataset": "<State>",
    "ct::data::datasets::StreamDataset": "<State>",
    "ct::data::samplers::Sampler": "<>",
    "ct::data::samplers::DistributedSampler": "<>",
    "ct::data::transforms::BatchLambda": "<std::vector<ct::data::Example<>>, ct::data::Example<>>",
    "ct::data::transforms::BatchTransform": "<std::vector<ct::data::Example<>>, ct::data::Example<>>",
    "ct::data::transforms::Lambda": "<ct::data::Example<>>",
    "ct::data::transforms::Normalize": "<>",
    "ct::data::transforms::Stack": "<>",
    "ct::data::transforms::TensorLambda": "<>",
    "ct::data::transforms::TensorTransform": "<>",
    "ct::data::transforms::Transform": "<ct::data::Example<>, ct::data::Example<>>",
}

# What the template arguments above are.
PRELUDE = """
#include <cotangent/torch.h>
struct Double : ct::autograd::Function<Double> {};
struct Rows : ct::data::datasets::Dataset<Rows> {};
struct State : ct::data::datasets::StatefulDataset<State> {};
struct Chunks : ct::data::datasets::ChunkDataReader<ct::data::Example<>> {
  ChunkType read_chunk(std::size_t) override;
  std::size_t chunk_count() override;
  void reset() override;
};
"""


def groups():
    for line in open(names_file):
        if line.startswith("#") or not line.strip():
            continue
        if "{" in line:
            scope, rest = line.split(" {")
            yield scope, None, rest.replace("}", "").split()
        else:
            scope, rest = line.split(": ", 1)
            yield scope, scope + ARGUMENTS.get(scope, ""), rest.split()


lines = PRELUDE.strip("\n").split("\n")
name_at = {}  # line -> name; lines below are counted from 1
for number, (scope, instance, names) in enumerate(groups()):
    for name in names:
        full = f"{scope}::{name}"
        if instance is None:
            lines.append(f"namespace n{number}_{name} {{ using ::{full}; }}")
        else:
            # A typedef keeps the comma of template arguments out of the base's name.
            lines.append(f"namespace m{number}_{name} {{ using C = ::{instance}; struct D : C {{ using C::{name}; }}; }}")
        name_at[len(lines)] = full
with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
    source.write("\n".join(lines) + "\n")
    source.flush()
    limit = ["-ferror-limit=0"] if "clang" in compiler else ["-fmax-errors=0"]
    result = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-w", "-Dfinal=", *limit, "-I", include, source.name],
                            capture_output=True, text=True)
    errors = re.findall(re.escape(source.name) + r":(\d+):\d+: (?:fatal )?error: (.*)", result.stderr)
strange = [f"{text} (line {line}: {lines[int(line) - 1]})" for line, text in errors if int(line) not in name_at]
if strange or (result.returncode and not errors):
    sys.exit("the program of names does not compile:\n" + ("\n".join(strange) or result.stderr[-2000:]))
missing = {name_at[int(line)] for line, _ in errors}

documented = set(re.findall(r"`(ct::[\w:]+\*?)`", open(document).read()))
plain = {name for name in documented if not name.endswith("*")}
stars = documented - plain
unexplained = sorted(name for name in missing
                     if name not in plain and name.rsplit("::", 1)[0] not in plain and not any(fnmatch.fnmatch(name, s) for s in stars))
# A class that is missing explains its members.
all_names = set(name_at.values())
stale = sorted(name for name in plain if name in all_names and name not in missing)
stale += sorted(star for star in stars if not any(fnmatch.fnmatch(name, star) for name in missing))
print(f"{len(all_names)} names of libtorch: {len(all_names) - len(missing)} exist, {len(missing)} are explained or missing")
if unexplained:
    print(f"\n{len(unexplained)} exist neither here nor in {document}:")
    print("\n".join("  " + name for name in unexplained))
if stale:
    print(f"\nThese stand in {document} as missing, but exist (or are none of libtorch's):")
    print("\n".join("  " + name for name in stale))
sys.exit(bool(unexplained or stale))
