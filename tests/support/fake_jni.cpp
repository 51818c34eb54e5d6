#include "tests/support/fake_jni.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/support/fake_jni_table.h"

// The heap behind the fake: objects, references, critical sections. The functions of JNI are in fake_jni_table.cpp.
namespace aerostat::testing {
namespace {

/// References are numbers that no object ever has as its address: whoever looked through one would crash.
constexpr std::uintptr_t kHandleStep = 8;

}  // namespace

FakeJni::FakeJni(FakeJavaMemory& memory, Complaint complain)
    : memory_(memory), complain_(std::move(complain)), top_(memory.range().begin) {
    env_.functions = fake_jni_functions();
    env_.jni = this;
}

FakeJni::~FakeJni() {
    if (exception_is_pending()) complain_("an exception was left pending: " + exception_);
    if (section_) complain_("a critical section was left open");
    if (const auto left = local_references(); left > 0) complain_(std::to_string(left) + " local references were left");
    if (const auto left = global_references(); left > 0) complain_(std::to_string(left) + " global references were left");
}

void FakeJni::enter(const char* function, Rule rule) {
    const std::string name(function);
    if (exception_is_pending() && rule == Rule::plain) complain_(name + " was called with a pending " + exception_);
    if (!section_ || rule == Rule::of_section) return;
    if (name == "GetArrayLength")
        ++lengths_asked_inside_;
    else
        complain_(name + " was called inside a critical section");
}

bool FakeJni::refuses(const std::string& function) {
    const auto found = refusals_.find(function);
    if (found == refusals_.end()) return false;
    if (found->second-- > 0) return false;
    refusals_.erase(found);
    return true;
}

FakeJni::Handle* FakeJni::handle_of(jobject handle) {
    const std::uintptr_t index = reinterpret_cast<std::uintptr_t>(handle) / kHandleStep;
    if (index == 0 || index > handles_.size() || handles_[index - 1].object == nullptr) return nullptr;
    return &handles_[index - 1];
}

FakeJni::Object* FakeJni::object_of(jobject handle, const char* use) {
    Handle* const found = handle_of(handle);
    if (found == nullptr) complain_(std::string(use) + " was given a reference that is not alive");
    return found == nullptr ? nullptr : found->object;
}

jobject FakeJni::make_handle(Object* object, bool global) {
    if (object == nullptr) return nullptr;
    handles_.push_back({object, global});
    return reinterpret_cast<jobject>(handles_.size() * kHandleStep);
}

void FakeJni::delete_handle(jobject handle, bool global) {
    if (handle == nullptr) return;
    Handle* const found = handle_of(handle);
    if (found == nullptr || found->global != global)
        complain_(std::string("a reference was deleted that is no living ") + (global ? "global one" : "local one"));
    else
        found->object = nullptr;
}

FakeJni::Object* FakeJni::make_object(Type type) {
    objects_.push_back(std::make_unique<Object>());
    objects_.back()->type = type;
    return objects_.back().get();
}

bool FakeJni::is_held(const Object& object) const {
    return std::any_of(handles_.begin(), handles_.end(), [&](const Handle& one) { return one.object == &object; });
}

int FakeJni::clear_soft_references() {
    int cleared = 0;
    for (const auto& one : objects_) {
        if (one->type != Type::soft || one->referent == nullptr || is_held(*one->referent)) continue;
        one->referent = nullptr;
        ++cleared;
    }
    return cleared;
}

void FakeJni::collect() {
    const auto softly_held = [this](const Object& object) {
        return std::any_of(objects_.begin(), objects_.end(),
                           [&](const auto& one) { return one->referent == &object && is_held(*one); });
    };
    std::vector<std::unique_ptr<Object>> left;
    std::vector<bool> keep;
    for (const auto& one : objects_) keep.push_back(is_held(*one) || softly_held(*one));
    for (std::size_t i = 0; i < keep.size(); ++i) {
        if (keep[i]) left.push_back(std::move(objects_[i]));
    }
    objects_ = std::move(left);
}

jlongArray FakeJni::new_long_array(jsize length) {
    const std::uintptr_t begin = std::exchange(next_place_, std::nullopt).value_or(top_);
    const procfs::AddressRange payload{begin + kHeader,
                                       begin + kHeader + static_cast<std::uintptr_t>(length) * sizeof(jlong)};
    if (payload.end > memory_.range().end || refuses("NewLongArray")) {
        raise("OutOfMemoryError");
        return nullptr;
    }
    top_ = payload.end;
    if (at_allocation) at_allocation();
    memory_.fill(payload, kElement);
    Object* const array = make_object(Type::array);
    array->array = {payload};
    return static_cast<jlongArray>(make_handle(array, false));
}

void* FakeJni::begin_section(jobject array) {
    const Object* const object = object_of(array, "GetPrimitiveArrayCritical");
    if (object == nullptr || refuses("GetPrimitiveArrayCritical")) return nullptr;
    ++sections_;
    section_ = Section{object, reinterpret_cast<void*>(object->array.payload.begin), {}};
    if (copies_) {
        const auto* const bytes = static_cast<const unsigned char*>(section_->address);
        section_->copy.assign(bytes, bytes + object->array.payload.size().count());
        section_->address = section_->copy.data();
    }
    return section_->address;
}

void FakeJni::end_section(jobject array, void* address, jint mode) {
    Object* const object = object_of(array, "ReleasePrimitiveArrayCritical");
    if (!section_ || section_->array != object || section_->address != address)
        return complain_("ReleasePrimitiveArrayCritical was called for another section than the open one");
    Section section = std::move(*section_);
    section_.reset();
    if (copies_) end_copy(section, mode);
    if (at_section_end_) at_section_end_(object->array);
    if (move_ && --move_->sections == 0) move_array(*object, std::exchange(move_, std::nullopt)->to);
}

void FakeJni::end_copy(Section& section, jint mode) {
    const auto is_element = [](unsigned char one) { return one == kElement; };
    if (!std::all_of(section.copy.begin(), section.copy.end(), is_element)) complain_("the copy of an array was changed");
    if (mode != JNI_ABORT) complain_("the copy of an array was to be written back");
}

void FakeJni::move_array(Object& array, std::uintptr_t to) {
    const procfs::AddressRange from = array.array.payload;
    const std::uintptr_t begin = to + kHeader;
    array.array.payload = {begin, begin + from.size().count()};
    std::memcpy(reinterpret_cast<void*>(begin), reinterpret_cast<const void*>(from.begin), from.size().count());
    memory_.fill(from, FakeJavaMemory::kNeighbour);
}

std::vector<FakeJni::Array> FakeJni::arrays() const {
    std::vector<Array> found;
    for (const auto& one : objects_) {
        if (one->type == Type::array) found.push_back(one->array);
    }
    return found;
}

jlong FakeJni::timestamp_of(jobject soft) const {
    const std::uintptr_t index = reinterpret_cast<std::uintptr_t>(soft) / kHandleStep;
    return handles_.at(index - 1).object->timestamp;
}

std::size_t FakeJni::soft_references() const {
    return static_cast<std::size_t>(
        std::count_if(objects_.begin(), objects_.end(), [](const auto& one) { return one->type == Type::soft; }));
}

std::size_t FakeJni::local_references() const {
    return static_cast<std::size_t>(std::count_if(handles_.begin(), handles_.end(),
                                                  [](const Handle& one) { return one.object != nullptr && !one.global; }));
}

std::size_t FakeJni::global_references() const {
    return static_cast<std::size_t>(std::count_if(handles_.begin(), handles_.end(), [](const Handle& one) {
        const bool may_stay = one.object != nullptr && (one.object->type == Type::type ||
                                                        one.object->type == Type::runtime || one.object->type == Type::text);
        return one.object != nullptr && one.global && !may_stay;
    }));
}

}  // namespace aerostat::testing
