# cmake -DCLASS=Flags.class -DOUT=shim_bytes.cpp -P embed_class.cmake: a class file as a C++ array.
file(READ ${CLASS} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include \"jvm-agent/jvm/shim_bytes.h\"

namespace aerostat::agent {

std::span<const unsigned char> flags_shim_bytes() {
    static constexpr unsigned char kBytes[] = {${bytes}};
    return kBytes;
}

}  // namespace aerostat::agent
")
