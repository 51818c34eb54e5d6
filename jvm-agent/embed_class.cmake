# cmake -DCLASSES=DIR -DOUT=shim_bytes.cpp -P embed_class.cmake: the class files below DIR as C++ arrays, by their names.
file(GLOB_RECURSE files RELATIVE ${CLASSES} ${CLASSES}/*.class)
set(arrays "")
set(rows "")
set(number 0)
foreach(file IN LISTS files)
  file(READ ${CLASSES}/${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "\\.class$" "" name "${file}")
  string(APPEND arrays "constexpr unsigned char kClass${number}[] = {${bytes}};\n")
  string(APPEND rows "    {\"${name}\", kClass${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT} "#include \"jvm-agent/jvm/shim_bytes.h\"

namespace aerostat::agent {
namespace {

${arrays}
constexpr ShimClass kClasses[] = {
${rows}};

}  // namespace

std::span<const ShimClass> shim_classes() { return kClasses; }

}  // namespace aerostat::agent
")
