// io/zip_write.cpp -- zip archives, the same bytes for the same content: no times, no owners.
#include <zlib.h>

#include <algorithm>
#include <vector>

#include "io/zip.h"

namespace ct::io {

namespace {

constexpr std::uint64_t limit32 = 0xFFFFFFFF;
constexpr std::uint32_t first_of_january_1980 = 0x00210000;

std::uint32_t clipped(std::uint64_t v) { return static_cast<std::uint32_t>(std::min(v, limit32)); }

}  // namespace

void ZipWriter::local_header(const ZipEntry& e, bool sizes_follow, unsigned alignment) {
  const bool wide = sizes_follow || e.size >= limit32 || e.packed >= limit32;
  std::uint64_t extra = wide ? 20 : 0, padding = 0;
  if (alignment > 1) {
    padding = 4;  // a field of its own, with PyTorch's mark
    const std::uint64_t data = sink_.position() + 30 + e.name.size() + extra + padding;
    padding += (alignment - data % alignment) % alignment;
  }
  sink_.write_le<std::uint32_t>(0x04034b50);
  sink_.write_le<std::uint16_t>(wide ? 45 : 20);
  sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>((sizes_follow ? 8 : 0) | 0x800));  // names are UTF-8
  sink_.write_le<std::uint16_t>(e.deflated ? 8 : 0);
  sink_.write_le<std::uint32_t>(first_of_january_1980);
  sink_.write_le<std::uint32_t>(e.crc);
  sink_.write_le<std::uint32_t>(wide ? 0xFFFFFFFF : clipped(e.packed));
  sink_.write_le<std::uint32_t>(wide ? 0xFFFFFFFF : clipped(e.size));
  sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>(e.name.size()));
  sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>(extra + padding));
  sink_.write(e.name);
  if (wide) {
    sink_.write_le<std::uint16_t>(1);
    sink_.write_le<std::uint16_t>(16);
    sink_.write_le<std::uint64_t>(e.size);
    sink_.write_le<std::uint64_t>(e.packed);
  }
  if (padding) {
    sink_.write("FB");
    sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>(padding - 4));
    sink_.write(std::string(padding - 4, 'Z'));
  }
}

namespace {

ZipEntry begun(const std::string& name, const Sink& sink, std::initializer_list<ZipWriter::Piece> pieces) {
  CT_CHECK_VALUE(!name.empty() && name.size() < 0xFFFF && is_utf8(name) && name.find('\0') == std::string::npos, "save: '", shown(name),
                 "' cannot be the name of a zip entry: it must be UTF-8 text of at most 65534 bytes, without zeros");
  ZipEntry e;
  e.name = name;
  e.header = sink.position();
  for (const ZipWriter::Piece& p : pieces) {
    e.size += p.size;
    const auto* bytes = static_cast<const Bytef*>(p.data);
    for (std::uint64_t at = 0; at < p.size;) {
      const auto part = static_cast<uInt>(std::min<std::uint64_t>(p.size - at, 1u << 30));
      e.crc = static_cast<std::uint32_t>(::crc32(e.crc, bytes + at, part));
      at += part;
    }
  }
  return e;
}

}  // namespace

void ZipWriter::stored(const std::string& name, std::initializer_list<Piece> pieces, unsigned alignment) {
  ZipEntry e = begun(name, sink_, pieces);
  e.packed = e.size;
  local_header(e, false, alignment);
  for (const Piece& p : pieces) sink_.write(p.data, p.size);
  entries_.push_back(std::move(e));
}

void ZipWriter::deflated(const std::string& name, std::initializer_list<Piece> pieces) {
  ZipEntry e = begun(name, sink_, pieces);
  e.deflated = true;
  const std::uint32_t crc = e.crc;
  ZipEntry open = e;
  open.crc = 0;
  open.size = 0;
  local_header(open, true, 1);  // the packed size is known afterwards

  struct Deflater {
    z_stream z{};
    Deflater() {
      if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) CT_THROW(out_of_memory, "zlib: no memory to pack with");
    }
    ~Deflater() { deflateEnd(&z); }
  } deflater;
  z_stream& z = deflater.z;
  std::vector<char> buffer(1 << 16);
  const auto run = [&](int flush) {
    int r = Z_OK;
    do {
      z.next_out = reinterpret_cast<Bytef*>(buffer.data());
      z.avail_out = static_cast<uInt>(buffer.size());
      r = ::deflate(&z, flush);
      CT_ASSERT(r != Z_STREAM_ERROR);
      const std::size_t n = buffer.size() - z.avail_out;
      sink_.write(buffer.data(), n);
      e.packed += n;
    } while (flush == Z_FINISH ? r != Z_STREAM_END : z.avail_in > 0);
  };
  for (const Piece& p : pieces) {
    const auto* bytes = static_cast<const Bytef*>(p.data);
    for (std::uint64_t at = 0; at < p.size;) {
      const auto part = static_cast<uInt>(std::min<std::uint64_t>(p.size - at, 1u << 30));
      z.next_in = const_cast<Bytef*>(bytes + at);
      z.avail_in = part;
      run(Z_NO_FLUSH);
      at += part;
    }
  }
  run(Z_FINISH);
  sink_.write_le<std::uint32_t>(0x08074b50);
  sink_.write_le<std::uint32_t>(crc);
  sink_.write_le<std::uint64_t>(e.packed);
  sink_.write_le<std::uint64_t>(e.size);
  entries_.push_back(std::move(e));
}

void ZipWriter::finish() {
  const std::uint64_t start = sink_.position();
  for (const ZipEntry& e : entries_) {
    std::vector<std::uint64_t> wide;
    for (const std::uint64_t v : {e.size, e.packed, e.header})
      if (v >= limit32) wide.push_back(v);
    sink_.write_le<std::uint32_t>(0x02014b50);
    sink_.write_le<std::uint16_t>(45);
    sink_.write_le<std::uint16_t>(e.deflated || !wide.empty() ? 45 : 20);
    sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>((e.deflated ? 8 : 0) | 0x800));
    sink_.write_le<std::uint16_t>(e.deflated ? 8 : 0);
    sink_.write_le<std::uint32_t>(first_of_january_1980);
    sink_.write_le<std::uint32_t>(e.crc);
    sink_.write_le<std::uint32_t>(clipped(e.packed));
    sink_.write_le<std::uint32_t>(clipped(e.size));
    sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>(e.name.size()));
    sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>(wide.empty() ? 0 : 4 + 8 * wide.size()));
    sink_.write_le<std::uint16_t>(0);
    sink_.write_le<std::uint32_t>(0);
    sink_.write_le<std::uint32_t>(0);
    sink_.write_le<std::uint32_t>(clipped(e.header));
    sink_.write(e.name);
    if (!wide.empty()) {
      sink_.write_le<std::uint16_t>(1);
      sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>(8 * wide.size()));
      for (const std::uint64_t v : wide) sink_.write_le(v);
    }
  }
  const std::uint64_t end = sink_.position(), n = entries_.size();
  if (n >= 0xFFFF || start >= limit32 || end - start >= limit32) {
    sink_.write_le<std::uint32_t>(0x06064b50);
    sink_.write_le<std::uint64_t>(44);
    sink_.write_le<std::uint16_t>(45);
    sink_.write_le<std::uint16_t>(45);
    sink_.write_le<std::uint32_t>(0);
    sink_.write_le<std::uint32_t>(0);
    sink_.write_le<std::uint64_t>(n);
    sink_.write_le<std::uint64_t>(n);
    sink_.write_le<std::uint64_t>(end - start);
    sink_.write_le<std::uint64_t>(start);
    sink_.write_le<std::uint32_t>(0x07064b50);
    sink_.write_le<std::uint32_t>(0);
    sink_.write_le<std::uint64_t>(end);
    sink_.write_le<std::uint32_t>(1);
  }
  sink_.write_le<std::uint32_t>(0x06054b50);
  sink_.write_le<std::uint16_t>(0);
  sink_.write_le<std::uint16_t>(0);
  sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>(std::min<std::uint64_t>(n, 0xFFFF)));
  sink_.write_le<std::uint16_t>(static_cast<std::uint16_t>(std::min<std::uint64_t>(n, 0xFFFF)));
  sink_.write_le<std::uint32_t>(clipped(end - start));
  sink_.write_le<std::uint32_t>(clipped(start));
  sink_.write_le<std::uint16_t>(0);
}

}  // namespace ct::io
