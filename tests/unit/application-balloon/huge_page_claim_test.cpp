// The file of huge pages and the kernel's permission for them, over a folder that stands for both.
#include "application-balloon/guest/act/huge_page_claim.h"

#include <filesystem>

#include "tests/support/fake_root.h"

namespace aerostat::balloon::guest {
namespace {

class AClaimedFile : public ::testing::Test {
protected:
    aerostat::testing::FakeRoot root;
    const std::string path = root.path + "/aerostat-balloon";
};

TEST_F(AClaimedFile, IsNotTouchedByASecondProcess) {
    const auto first = ClaimedFile::open(path);
    ASSERT_TRUE(first) << first.error().message;
    root.write("/aerostat-balloon", "what the first one holds");
    for (int i = 0; i < 2; ++i) {
        const auto second = ClaimedFile::open(path);
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().code, ErrorCode::busy);
        EXPECT_EQ(root.read("/aerostat-balloon"), "what the first one holds");
    }
}

TEST_F(AClaimedFile, GoesWithItsOwner) {
    { ASSERT_TRUE(ClaimedFile::open(path)); }
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(ClaimedFile::open(path));
}

TEST_F(AClaimedFile, IsEmptiedOfWhatADeadProcessLeft) {
    root.write("/aerostat-balloon", "what a dead one held");
    const auto file = ClaimedFile::open(path);
    ASSERT_TRUE(file);
    EXPECT_EQ(root.read("/aerostat-balloon"), "");
}

TEST_F(AClaimedFile, ThatIsALinkIsRefused) {
    root.write("/elsewhere", "somebody's");
    std::filesystem::create_symlink(root.path + "/elsewhere", path);
    EXPECT_FALSE(ClaimedFile::open(path));
    EXPECT_EQ(root.read("/elsewhere"), "somebody's");
}

class TheAllowance : public ::testing::Test {
protected:
    aerostat::testing::FakeRoot root;

    [[nodiscard]] SurplusAllowance open() const { return {root.path + "/pool/", root.path + "/kept"}; }
    void surplus(int pages) const { root.write("/pool/surplus_hugepages", std::to_string(pages) + "\n"); }
    void set(int pages) const { root.write("/pool/nr_overcommit_hugepages", std::to_string(pages) + "\n"); }
    [[nodiscard]] int allowed() const { return std::stoi(root.read("/pool/nr_overcommit_hugepages")); }
    void take(SurplusAllowance& allowance, int pages) const {
        for (int i = 0; i < pages; ++i) {
            surplus(i);
            allowance.allow_one_more();
        }
        surplus(pages);
    }
};

TEST_F(TheAllowance, IsRaisedOnlyAsFarAsIsNeededAndPutBack) {
    set(2);
    SurplusAllowance allowance = open();
    take(allowance, 2);
    EXPECT_EQ(allowed(), 2);
    take(allowance, 12);
    EXPECT_EQ(allowed(), 12);
    allowance.put_back();
    EXPECT_EQ(allowed(), 2);
    EXPECT_FALSE(std::filesystem::exists(root.path + "/kept"));
}

TEST_F(TheAllowance, OfAProcessThatDiedIsNotTakenForWhatWasBefore) {
    set(2);
    for (int deaths = 0; deaths < 3; ++deaths) {
        SurplusAllowance killed = open();
        take(killed, 12);
    }
    ASSERT_EQ(allowed(), 12);
    SurplusAllowance next = open();
    next.put_back();
    EXPECT_EQ(allowed(), 2);
}

TEST_F(TheAllowance, ThatOthersHaveSetMeanwhileStays) {
    set(2);
    {
        SurplusAllowance killed = open();
        take(killed, 12);
    }
    set(50);
    SurplusAllowance next = open();
    next.put_back();
    EXPECT_EQ(allowed(), 50);
    take(next, 60);
    ASSERT_EQ(allowed(), 60);
    next.put_back();
    EXPECT_EQ(allowed(), 50);
}

TEST_F(TheAllowance, IsLeftAloneByOneThatNeededNone) {
    set(7);
    SurplusAllowance allowance = open();
    set(9);
    allowance.put_back();
    EXPECT_EQ(allowed(), 9);
}

TEST_F(TheAllowance, WithoutAReadableNoteIsWhatStands) {
    root.write("/kept", "nonsense");
    set(2);
    SurplusAllowance allowance = open();
    allowance.put_back();
    EXPECT_EQ(allowed(), 2);
    take(allowance, 5);
    allowance.put_back();
    EXPECT_EQ(allowed(), 2);
}

}  // namespace
}  // namespace aerostat::balloon::guest
