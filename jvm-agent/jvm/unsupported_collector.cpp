#include "jvm-agent/jvm/collector.h"
#include "jvm-agent/jvm/flag_setter.h"
#include "jvm-agent/jvm/heap_reservation.h"
#include "jvm-agent/jvm/no_chunks.h"
#include "jvm-agent/jvm/runtime_heap.h"

// Collectors without a balloon: reported as far as plain Java tells, otherwise left alone.
namespace aerostat::agent {
namespace {

class PlainHeap final : public HeapPort {
public:
    explicit PlainHeap(const VmSight& vm)
        : runtime_(vm.env),
          minimum_(vm.flags.bytes("MinHeapSize")),
          reservation_(find_heap_reservation(vm.tables, runtime_.max())) {}
    [[nodiscard]] HeapFacts observe() override {
        HeapFacts facts;
        facts.max = runtime_.max();
        facts.minimum = minimum_;
        const HeapSizes sizes = runtime_.sizes();
        facts.committed = sizes.committed;
        facts.used = sizes.used;
        return facts;
    }
    [[nodiscard]] Result<procfs::Residency> measure_footprint() override {
        if (!reservation_) return tl::unexpected(reservation_.error());
        return procfs::own_residency(*reservation_);
    }

private:
    RuntimeHeap runtime_;
    Bytes minimum_;
    Result<procfs::AddressRange> reservation_;
};

class Unsupported final : public Collector {
public:
    Unsupported(const VmSight& vm, std::string name, std::string why_not)
        : name_(std::move(name)), why_not_(std::move(why_not)), heap_(vm), flags_(vm.env, vm.flags) {}
    [[nodiscard]] std::string name() const override { return name_; }
    [[nodiscard]] Status can_balloon() override { return fail(ErrorCode::unsupported, why_not_); }
    [[nodiscard]] HeapPort& heap() override { return heap_; }
    [[nodiscard]] ChunkPort& chunks() override { return no_chunks_; }
    [[nodiscard]] FlagPort& flags() override { return flags_; }
    [[nodiscard]] LeverRule lever_rule() const override { return &plan_no_levers; }

private:
    std::string name_;
    std::string why_not_;
    PlainHeap heap_;
    NoChunks no_chunks_;
    FlagSetter flags_;
};

}  // namespace

std::unique_ptr<Collector> make_unsupported(const VmSight& vm, std::string name, std::string why_not) {
    return std::make_unique<Unsupported>(vm, std::move(name), std::move(why_not));
}

}  // namespace aerostat::agent
