// io/zip_read.cpp -- the directory of a zip archive, and its entries. Source: APPNOTE.TXT 6.3.10 of PKWARE.
#include <zlib.h>

#include <algorithm>
#include <vector>

#include "io/zip.h"

namespace ct::io {

namespace {

constexpr std::uint32_t end_signature = 0x06054b50, end64_signature = 0x06064b50, locator_signature = 0x07064b50, central_signature = 0x02014b50,
                        local_signature = 0x04034b50;
constexpr std::uint64_t largest_ratio = 1032;  // of deflate
constexpr std::uint64_t end_size = 22, locator_size = 20, end64_size = 56, central_size = 46, local_size = 30;

std::uint32_t crc_of(std::uint32_t crc, const void* data, std::uint64_t n) {
  const auto* p = static_cast<const Bytef*>(data);
  while (n > 0) {
    const auto part = static_cast<uInt>(std::min<std::uint64_t>(n, 1u << 30));
    crc = static_cast<std::uint32_t>(::crc32(crc, p, part));
    p += part;
    n -= part;
  }
  return crc;
}

struct Directory {
  std::uint64_t entries, size, offset, end;  // end: where it must end at the latest
};

Directory find_directory(const Source& source) {
  // The last record whose comment ends with the file.
  const std::uint64_t tail_size = std::min<std::uint64_t>(source.size(), end_size + 65535), tail_at = source.size() - tail_size;
  if (tail_size < end_size) source.fail({"this is no zip archive: it has only ", std::to_string(source.size()), " bytes"});
  std::vector<char> tail(tail_size);
  source.read(tail_at, tail.data(), tail_size);
  std::uint64_t i = tail_size - end_size;
  while (load_le<std::uint32_t>(&tail[i]) != end_signature || end_size + load_le<std::uint16_t>(&tail[i + 20]) != tail_size - i) {
    if (i-- == 0) source.fail({"the file is cut off or damaged, or no zip archive: the directory that a zip archive ends with is not there"});
  }
  const char* end = &tail[i];
  const std::uint64_t end_at = tail_at + i;
  Directory d{load_le<std::uint16_t>(end + 10), load_le<std::uint32_t>(end + 12), load_le<std::uint32_t>(end + 16), end_at};
  if (load_le<std::uint16_t>(end + 4) != 0 || load_le<std::uint16_t>(end + 6) != 0 || load_le<std::uint16_t>(end + 8) != d.entries)
    source.fail(end_at, {"archives of several disks are not supported"});
  if (d.entries == 0xFFFF || d.size == 0xFFFFFFFF || d.offset == 0xFFFFFFFF) {
    // Of an old archive these are true values; a newer one has a locator before this record.
    if (end_at >= locator_size && read_le<std::uint32_t>(source, end_at - locator_size) == locator_signature) {
      const std::uint64_t at = read_le<std::uint64_t>(source, end_at - locator_size + 8);
      if (at > end_at - locator_size || end_at - locator_size - at < end64_size || read_le<std::uint32_t>(source, at) != end64_signature)
        source.fail(end_at - locator_size, {"the directory's 64-bit record is not where it should be"});
      if (read_le<std::uint64_t>(source, at + 24) != read_le<std::uint64_t>(source, at + 32)) source.fail(at, {"archives of several disks are not supported"});
      d = {read_le<std::uint64_t>(source, at + 32), read_le<std::uint64_t>(source, at + 40), read_le<std::uint64_t>(source, at + 48), at};
    }
  }
  if (d.offset > d.end || d.size > d.end - d.offset) source.fail(end_at, {"the directory is said to have ", std::to_string(d.size), " bytes at ", std::to_string(d.offset), ", beyond its end at ", std::to_string(d.end)});
  if (d.entries > d.size / central_size) source.fail(end_at, {"the directory is said to have ", std::to_string(d.entries), " entries in ", std::to_string(d.size), " bytes"});
  return d;
}

// Takes from the 64-bit extra field what did not fit into 32 bits.
void widen(const Source& source, std::uint64_t at, const char* extra, std::size_t n, ZipEntry& e) {
  std::uint64_t* const wanted[] = {&e.size, &e.packed, &e.header};
  for (std::size_t i = 0; i + 4 <= n;) {
    const std::size_t id = load_le<std::uint16_t>(extra + i), size = load_le<std::uint16_t>(extra + i + 2);
    if (size > n - i - 4) break;
    if (id == 1) {
      std::size_t used = 0;
      for (std::uint64_t* v : wanted) {
        if (*v != 0xFFFFFFFF) continue;
        if (used + 8 > size) source.fail(at, {"entry '", shown(e.name), "': its 64-bit sizes are cut off"});
        *v = load_le<std::uint64_t>(extra + i + 4 + used);
        used += 8;
      }
      return;
    }
    i += 4 + size;
  }
}

}  // namespace

ZipArchive::ZipArchive(const Source& source) : source_(source) {
  const Directory d = find_directory(source);
  std::vector<char> raw(d.size);
  source.read(d.offset, raw.data(), d.size);
  std::uint64_t at = 0;
  for (std::uint64_t k = 0; k < d.entries; ++k) {
    const std::uint64_t here = d.offset + at;
    if (d.size - at < central_size || load_le<std::uint32_t>(&raw[at]) != central_signature) source.fail(here, {"entry ", std::to_string(k), " of the directory is damaged"});
    const char* p = &raw[at];
    const std::uint16_t flags = load_le<std::uint16_t>(p + 8), method = load_le<std::uint16_t>(p + 10);
    const std::size_t name = load_le<std::uint16_t>(p + 28), extra = load_le<std::uint16_t>(p + 30), comment = load_le<std::uint16_t>(p + 32);
    if (d.size - at - central_size < name + extra + comment) source.fail(here, {"entry ", std::to_string(k), " of the directory is cut off"});
    ZipEntry e;
    e.name.assign(p + central_size, name);
    e.crc = load_le<std::uint32_t>(p + 16);
    e.packed = load_le<std::uint32_t>(p + 20);
    e.size = load_le<std::uint32_t>(p + 24);
    e.header = load_le<std::uint32_t>(p + 42);
    e.deflated = method == 8;
    widen(source, here, p + central_size + name, extra, e);
    at += central_size + name + extra + comment;
    const auto refuse = [&](std::initializer_list<ct::detail::MsgPart> why) { source.fail(here, {"entry '", shown(e.name), "' ", ct::detail::join(why)}); };
    if (flags & 1) refuse({"is encrypted, which is not supported"});
    if (method != 0 && method != 8) refuse({"is packed by method ", method, ": only stored and deflated entries are supported"});
    if (!e.deflated && e.size != e.packed) refuse({"is stored, but with two sizes, ", std::to_string(e.packed), " and ", std::to_string(e.size)});
    if (e.name.empty() || e.name.find('\0') != std::string::npos) refuse({"has a name that is empty or holds a zero byte"});

    if (e.header > d.offset || d.offset - e.header < local_size) refuse({"is said to begin at ", std::to_string(e.header), ", which is not before the directory"});
    char local[local_size];
    source.read(e.header, local, sizeof local);
    if (load_le<std::uint32_t>(local) != local_signature) refuse({"does not begin at ", std::to_string(e.header), ", where it should"});
    const std::size_t local_name = load_le<std::uint16_t>(local + 26), local_extra = load_le<std::uint16_t>(local + 28);
    e.data = e.header + local_size + local_name + local_extra;
    if (e.data > d.offset || e.packed > d.offset - e.data) refuse({"is said to have ", std::to_string(e.packed), " bytes at ", std::to_string(e.data), ", beyond the begin of the directory"});
    std::string again(local_name, '\0');
    source.read(e.header + local_size, again.data(), local_name);
    if (again != e.name) refuse({"has another name, '", shown(again), "', where it begins"});
    if (e.deflated && e.size / largest_ratio > e.packed + 1) refuse({"is said to unpack from ", std::to_string(e.packed), " to ", std::to_string(e.size), " bytes, which is impossible"});
    if (!index_.emplace(e.name, entries_.size()).second) refuse({"is there twice"});
    entries_.push_back(std::move(e));
  }
  if (at != d.size) source.fail(d.offset + at, {"the directory has more than its ", std::to_string(d.entries), " entries"});
  // Bytes that belong to two entries would be unpacked twice: a few of them could grow without limit.
  std::vector<const ZipEntry*> order;
  for (const ZipEntry& e : entries_) order.push_back(&e);
  std::sort(order.begin(), order.end(), [](const ZipEntry* a, const ZipEntry* b) { return a->header < b->header; });
  for (std::size_t i = 1; i < order.size(); ++i)
    if (order[i]->header < order[i - 1]->data + order[i - 1]->packed)
      source.fail(order[i]->header, {"the entries '", shown(order[i - 1]->name), "' and '", shown(order[i]->name), "' overlap"});
}

const ZipEntry* ZipArchive::find(const std::string& name) const {
  const auto at = index_.find(name);
  return at == index_.end() ? nullptr : &entries_[at->second];
}

struct ZipReader::Inflater {
  z_stream z{};
  std::vector<char> buffer = std::vector<char>(1 << 16);
  std::uint64_t taken = 0;  // bytes of the file
  bool ended = false;
  Inflater() {
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) CT_THROW(out_of_memory, "zlib: no memory to unpack with");
  }
  ~Inflater() { inflateEnd(&z); }
  // Reads on in the file once zlib has used up what it was given.
  void refill(const Source& source, const ZipEntry& entry) {
    if (z.avail_in > 0 || taken == entry.packed) return;
    const std::uint64_t part = std::min<std::uint64_t>(buffer.size(), entry.packed - taken);
    source.read(entry.data + taken, buffer.data(), part);
    taken += part;
    z.next_in = reinterpret_cast<Bytef*>(buffer.data());
    z.avail_in = static_cast<uInt>(part);
  }
};

ZipReader::ZipReader(const Source& source, const ZipEntry& entry) : source_(source), entry_(entry) {
  if (entry.deflated) inflater_ = std::make_unique<Inflater>();
}
ZipReader::~ZipReader() = default;

void ZipReader::fail(std::initializer_list<ct::detail::MsgPart> parts) const {
  source_.fail(entry_.data, {"entry '", shown(entry_.name), "': ", ct::detail::join(parts)});
}

void ZipReader::read(void* to, std::uint64_t n) {
  if (n > left()) fail({"the file is cut off or damaged: ", std::to_string(n), " bytes should be at ", std::to_string(done_), ", but it has ", std::to_string(entry_.size), " in all"});
  if (!inflater_) {
    source_.read(entry_.data + done_, to, n);
    crc_ = crc_of(crc_, to, n);
    done_ += n;
    return;
  }
  z_stream& z = inflater_->z;
  auto* out = static_cast<Bytef*>(to);
  while (n > 0) {
    inflater_->refill(source_, entry_);
    z.next_out = out;
    z.avail_out = static_cast<uInt>(std::min<std::uint64_t>(n, 1u << 30));
    const uInt room = z.avail_out;
    const int r = inflater_->ended ? Z_STREAM_END : ::inflate(&z, Z_NO_FLUSH);
    const std::uint64_t got = room - z.avail_out;
    crc_ = crc_of(crc_, out, got);
    out += got;
    n -= got;
    done_ += got;
    inflater_->ended = r == Z_STREAM_END;
    if (n == 0) break;
    if (r == Z_STREAM_END) fail({"it unpacks to ", std::to_string(done_), " bytes, not to ", std::to_string(entry_.size)});
    if (r != Z_OK && r != Z_BUF_ERROR) fail({"it cannot be unpacked: ", z.msg ? z.msg : "damaged data"});
    if (got == 0 && z.avail_in == 0 && inflater_->taken == entry_.packed) fail({"its packed bytes end too early"});
  }
}

void ZipReader::finish() {
  if (left() != 0) fail({std::to_string(left()), " bytes are left behind what it should hold"});
  if (inflater_ && !inflater_->ended) {
    // Whether the packed bytes end here, too.
    char none;
    z_stream& z = inflater_->z;
    for (;;) {
      inflater_->refill(source_, entry_);
      z.next_out = reinterpret_cast<Bytef*>(&none);
      z.avail_out = 1;
      const uInt before = z.avail_in;
      const int r = ::inflate(&z, Z_NO_FLUSH);
      if (z.avail_out == 0) fail({"it unpacks to more than ", std::to_string(entry_.size), " bytes"});
      if (r == Z_STREAM_END) break;
      if ((r != Z_OK && r != Z_BUF_ERROR) || (before == z.avail_in && inflater_->taken == entry_.packed)) fail({"it cannot be unpacked: ", z.msg ? z.msg : "damaged data"});
    }
  }
  if (crc_ != entry_.crc) fail({"its checksum is wrong: the file is damaged"});
}

}  // namespace ct::io
