#include "jvm-agent/jvm/soft_chunks.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "jvm-agent/jvm/refs.h"

namespace aerostat::agent {
namespace {

/// A critical section stops the collector (or pins a region); this much is released in well under a millisecond.
constexpr std::uintptr_t kSlice = 4 * 1024 * 1024;

/// The widest array header of 64-bit HotSpot (without compressed class pointers). A narrower one leaves a few bytes of the
/// region unused; what is released follows from the address the JVM tells, never from this.
constexpr std::uint64_t kLargestHeader = 24;

/// Collectors fill free heap from one end: after so many neighbours the next chunk comes to lie beside them.
constexpr int kRow = 4;

jsize array_length(Bytes chunk) { return static_cast<jsize>((chunk.count() - kLargestHeader) / sizeof(jlong)); }

jobject soft(const Chunk& chunk) { return static_cast<jobject>(chunk.soft_reference); }

}  // namespace

Result<std::unique_ptr<SoftChunks>> SoftChunks::make(JNIEnv* env, ReleaseRules rules) {
    std::unique_ptr<SoftChunks> chunks(new SoftChunks(env, std::move(rules)));
    if (auto found = chunks->look_up_java(); !found) return tl::unexpected(found.error());
    return chunks;
}

Status SoftChunks::look_up_java() {
    const LocalRef<jclass> found(env_, env_->FindClass("java/lang/ref/SoftReference"));
    if (found) {
        soft_class_ = static_cast<jclass>(env_->NewGlobalRef(found.get()));
        construct_ = env_->GetMethodID(soft_class_, "<init>", "(Ljava/lang/Object;)V");
        if (construct_ != nullptr) clear_ = env_->GetMethodID(soft_class_, "clear", "()V");
        if (clear_ != nullptr) get_ = env_->GetMethodID(soft_class_, "get", "()Ljava/lang/Object;");
        if (get_ != nullptr) refers_to_ = env_->GetMethodID(soft_class_, "refersTo", "(Ljava/lang/Object;)Z");
        if (refers_to_ != nullptr) timestamp_ = env_->GetFieldID(soft_class_, "timestamp", "J");
        if (timestamp_ != nullptr) clock_ = env_->GetStaticFieldID(soft_class_, "clock", "J");
    }
    if (clear_exception(env_) || clock_ == nullptr)
        return fail(ErrorCode::unsupported, "this JDK's SoftReference is not as expected");
    return {};
}

/// The JVM zeroes an array, and where free heap has no pages that faults them in one by one. All at once costs half (a
/// memfd's that are there but not mapped: a fourth). Wrongly guessed it brings one chunk's pages back, and then waits for
/// the next row.
void SoftChunks::fault_in_next() {
    if (row_.length < kRow) return;
    const procfs::AddressRange next{row_.last.begin + row_.step, row_.last.end + row_.step};
    if (!is_heap(next) || !is_ours(next)) return;
    // Read faults of shared memory map what is there in bundles; of private memory they would map the zero page.
    const int advice = rules_.shared ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;
    // Fails where nothing is mapped yet, and before Linux 5.14.
    if (madvise(reinterpret_cast<void*>(next.begin), next.end - next.begin, advice) != 0) row_ = Row();
}

void SoftChunks::follow_row(procfs::AddressRange pages) {
    const std::uintptr_t step = pages.begin - row_.last.begin;
    row_.length = step == row_.step && pages.size() == row_.last.size() ? row_.length + 1 : 0;
    row_.step = step;
    row_.last = pages;
}

Result<Chunk> SoftChunks::inflate() {
    fault_in_next();
    const std::uint64_t before = pauses();
    const LocalRef<jlongArray> array(env_, env_->NewLongArray(array_length(rules_.chunk)));
    if (clear_exception(env_) || !array) return fail(ErrorCode::refused, "the JVM could not allocate a chunk");
    const LocalRef<> reference(env_, env_->NewObject(soft_class_, construct_, array.get()));
    if (clear_exception(env_) || !reference) return fail(ErrorCode::refused, "the JVM could not allocate a reference");
    // Without an address it is not settled: release_again() comes when sections may.
    const bool waits = pauses() != before;
    auto pages = waits ? Result<procfs::AddressRange>(procfs::AddressRange()) : release(array.get());
    if (!pages) return tl::unexpected(pages.error());
    if (!waits) follow_row(*pages);
    const jobject global = env_->NewGlobalRef(reference.get());
    if (clear_exception(env_) || global == nullptr) return fail(ErrorCode::refused, "the JVM gave no global reference");
    return Chunk{global, *pages};
}

Result<procfs::AddressRange> SoftChunks::release(jlongArray array) {
    return rules_.may_move ? release_inside(array) : release_outside(array);
}

Status SoftChunks::madvise_away(procfs::AddressRange range) const {
    if (range.end <= range.begin) return {};
    const int advice = rules_.shared ? MADV_REMOVE : MADV_DONTNEED;
    if (madvise(reinterpret_cast<void*>(range.begin), range.end - range.begin, advice) == 0) return {};
    if (errno == EINVAL)  // the program has locked them since the agent looked (mlockall)
        return fail(ErrorCode::denied, "the kernel does not let go of heap pages: they are locked in memory");
    return tl::unexpected(error_from_errno("releasing heap pages", errno));
}

/// Before JDK 22 critical sections go through the GCLocker, and sections back to back make the program throw
/// OutOfMemoryErrors with free heap (JDK-8192647). Humongous arrays do not move there: the section only reads the address.
Result<procfs::AddressRange> SoftChunks::release_outside(jlongArray array) {
    const Bytes length = bytes_of(array);
    void* const payload = env_->GetPrimitiveArrayCritical(array, nullptr);
    if (payload == nullptr) return no_address();
    env_->ReleasePrimitiveArrayCritical(array, payload, JNI_ABORT);
    auto pages = whole_pages(length, payload);
    if (!pages) return pages;
    if (auto released = madvise_away(*pages); !released) return tl::unexpected(released.error());
    return pages;
}

Bytes SoftChunks::bytes_of(jlongArray array) const {
    return Bytes(static_cast<std::uint64_t>(env_->GetArrayLength(array)) * sizeof(jlong));
}

tl::unexpected<Error> SoftChunks::no_address() const {
    clear_exception(env_);
    return fail(ErrorCode::refused, "the JVM gave no address for a chunk");
}

/// Where an array may move (G1: a last-ditch full collection from JDK 22 on, JDK-8191565; Shenandoah: a full collection), a
/// critical section pins it (JDK-8318706) or keeps the collector from moving on: address and release belong into one
/// section, and it stays short.
Result<procfs::AddressRange> SoftChunks::release_inside(jlongArray array) {
    const Bytes length = bytes_of(array);  // inside a section no other JNI function may be called
    const std::uintptr_t slice = rules_.settles_in ? length.count() : kSlice;
    procfs::AddressRange all;
    std::uintptr_t done = 0;
    do {
        void* const payload = env_->GetPrimitiveArrayCritical(array, nullptr);
        if (payload == nullptr) return no_address();
        const auto pages = whole_pages(length, payload);
        if (pages && pages->begin != all.begin) done = 0;  // the first slice; or it moved between two, and all begins anew
        Status released;
        if (pages) released = madvise_away({pages->begin + done, std::min(pages->begin + done + slice, pages->end)});
        env_->ReleasePrimitiveArrayCritical(array, payload, JNI_ABORT);
        if (!pages) return pages;
        if (!released) return tl::unexpected(released.error());
        all = *pages;
        done += slice;
    } while (done < all.end - all.begin);
    return all;
}

/// Under -Xcheck:jni the "address" is that of a copy on the C heap: only what lies inside the reservation is the array.
Result<procfs::AddressRange> SoftChunks::whole_pages(Bytes length, const void* payload) const {
    const auto begin = reinterpret_cast<std::uintptr_t>(payload);
    const std::uintptr_t end = begin + length.count();
    if (!is_heap({begin, end}))
        return fail(ErrorCode::unsupported, "the JVM hands out copies of arrays (-Xcheck:jni?), not their addresses");
    if (!is_ours({begin, end})) return fail(ErrorCode::unsupported, "a chunk came to lie on file-backed memory");
    const std::uintptr_t page = rules_.page.count();
    const procfs::AddressRange whole{(begin + page - 1) / page * page, end / page * page};
    return whole.end > whole.begin ? whole : procfs::AddressRange{begin, begin};
}

bool SoftChunks::is_heap(procfs::AddressRange range) const {
    return range.begin <= range.end && std::any_of(rules_.heap.begin(), rules_.heap.end(), [&](const auto& heap) {
               return heap.contains(range.begin) && range.end <= heap.end;
           });
}

bool SoftChunks::is_ours(procfs::AddressRange range) const {
    return std::none_of(rules_.not_ours.begin(), rules_.not_ours.end(),
                        [&](const auto& other) { return range.begin < other.end && range.end > other.begin; });
}

bool SoftChunks::is_cleared(const Chunk& chunk) {
    const bool cleared = env_->CallBooleanMethod(soft(chunk), refers_to_, nullptr) == JNI_TRUE;
    clear_exception(env_);
    return cleared;
}

void SoftChunks::keep_alive(const Chunk& chunk) {
    env_->SetLongField(soft(chunk), timestamp_, env_->GetStaticLongField(soft_class_, clock_));
}

void SoftChunks::drop(Chunk chunk) {
    env_->CallVoidMethod(soft(chunk), clear_);
    clear_exception(env_);
    forget(chunk);
}

void SoftChunks::forget(Chunk chunk) { env_->DeleteGlobalRef(soft(chunk)); }

Bytes SoftChunks::resident(const Chunk& chunk) {
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const std::uintptr_t length = chunk.pages.end - chunk.pages.begin;
    if (length == 0) return Bytes();  // where it lies is not known yet
    core_map_.resize(length / page);
    if (mincore(reinterpret_cast<void*>(chunk.pages.begin), length, core_map_.data()) != 0) return Bytes();
    const auto in_core = std::count_if(core_map_.begin(), core_map_.end(), [](unsigned char c) { return (c & 1) != 0; });
    return Bytes(static_cast<std::uint64_t>(in_core) * page);
}

Result<bool> SoftChunks::release_again(Chunk& chunk) {
    const LocalRef<jlongArray> array(env_, static_cast<jlongArray>(env_->CallObjectMethod(soft(chunk), get_)));
    if (clear_exception(env_) || !array) return false;
    auto pages = release(array.get());
    if (!pages) return tl::unexpected(pages.error());
    chunk.pages = *pages;
    return true;
}

bool SoftChunks::is_settled(const Chunk& chunk) {
    return !rules_.settles_in || rules_.settles_in->contains(chunk.pages.begin);
}

}  // namespace aerostat::agent
