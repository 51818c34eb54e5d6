import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.TieredMergePolicy;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.util.BytesRef;

/** A full-text index in the heap: it is searched by number, by shelf and by words while its documents are replaced. */
final class LuceneWorkload implements Program {
    private static final int BYTES_PER_DOCUMENT = 1500; // as the index keeps it
    private static final int ATTACHMENT_BYTES = 1000;
    private static final int WORDS = 30;
    private static final int VOCABULARY = 2000;
    private static final int SHELF_DOCUMENTS = 50;
    private static final int REPLACED_BEFORE_SEEN = 200; // on average

    private final int documents;
    private final IndexWriter writer;
    private final SearcherManager searchers;

    private LuceneWorkload(int documents) throws IOException {
        this.documents = documents;
        TieredMergePolicy merges = new TieredMergePolicy();
        merges.setMaxMergedSegmentMB(16); // a merge holds its segment twice: small ones, as in any small heap
        IndexWriterConfig settings = new IndexWriterConfig(new StandardAnalyzer()).setMergePolicy(merges);
        writer = new IndexWriter(new ByteBuffersDirectory(), settings);
        for (int id = 0; id < documents; id++) {
            writer.addDocument(document(id, 0));
        }
        searchers = new SearcherManager(writer, null);
    }

    public static void main(String[] args) throws Exception {
        int documents = (int) (Console.liveBytes(args) / BYTES_PER_DOCUMENT / SHELF_DOCUMENTS) * SHELF_DOCUMENTS;
        Console.serve(new LuceneWorkload(documents));
    }

    private static Document document(int id, int version) {
        Document document = new Document();
        document.add(new StringField("id", Integer.toString(id), Field.Store.YES));
        document.add(new StringField("shelf", Integer.toString(id / SHELF_DOCUMENTS), Field.Store.NO));
        document.add(new TextField("body", body(id, version), Field.Store.YES));
        document.add(new StoredField("version", version));
        document.add(new StoredField("attachment", Content.bytes(id, version, ATTACHMENT_BYTES)));
        return document;
    }

    private static String body(int id, int version) {
        SplittableRandom random = Content.random(id, version);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < WORDS; i++) {
            text.append(word(random.nextInt(VOCABULARY))).append(' ');
        }
        return text.toString();
    }

    private static String word(int number) {
        return "w" + number;
    }

    @Override
    public void request(SplittableRandom random) throws Exception {
        int kind = random.nextInt(100);
        if (kind >= 90) {
            replace(random.nextInt(documents), random.nextInt(1 << 30));
            if (random.nextInt(REPLACED_BEFORE_SEEN) == 0) {
                searchers.maybeRefresh();
            }
            return;
        }
        IndexSearcher searcher = searchers.acquire();
        try {
            if (kind < 50) {
                byNumber(searcher, random.nextInt(documents));
            } else if (kind < 70) {
                byShelf(searcher, random.nextInt(documents / SHELF_DOCUMENTS));
            } else {
                byWords(searcher, word(random.nextInt(VOCABULARY)), word(random.nextInt(VOCABULARY)));
            }
        } finally {
            searchers.release(searcher);
        }
    }

    private void replace(int id, int version) throws IOException {
        writer.updateDocument(new Term("id", Integer.toString(id)), document(id, version));
    }

    private static void byNumber(IndexSearcher searcher, int id) throws Exception {
        TopDocs found = searcher.search(new TermQuery(new Term("id", Integer.toString(id))), 2);
        Program.require(found.scoreDocs.length == 1, found.scoreDocs.length + " documents number " + id);
        Program.require(verify(read(searcher, found.scoreDocs[0])) == id, "another document than " + id);
    }

    private static void byShelf(IndexSearcher searcher, int shelf) throws Exception {
        int count = searcher.count(new TermQuery(new Term("shelf", Integer.toString(shelf))));
        Program.require(count == SHELF_DOCUMENTS, "shelf " + shelf + " has " + count + " documents");
    }

    private static void byWords(IndexSearcher searcher, String one, String other) throws Exception {
        BooleanQuery.Builder both = new BooleanQuery.Builder();
        both.add(new TermQuery(new Term("body", one)), Occur.MUST).add(new TermQuery(new Term("body", other)), Occur.MUST);
        for (ScoreDoc hit : searcher.search(both.build(), 10).scoreDocs) {
            Document document = read(searcher, hit);
            verify(document);
            List<String> words = List.of(document.get("body").split(" "));
            Program.require(words.contains(one) && words.contains(other), "a hit without the words " + one + ", " + other);
        }
    }

    private static Document read(IndexSearcher searcher, ScoreDoc hit) throws IOException {
        return searcher.storedFields().document(hit.doc);
    }

    /** Whether what is stored follows from the number and the version; returns the number. */
    private static int verify(Document document) throws WrongAnswer {
        int id = Integer.parseInt(document.get("id"));
        int version = document.getField("version").numericValue().intValue();
        Program.require(document.get("body").equals(body(id, version)), "body of document " + id);
        BytesRef attachment = document.getBinaryValue("attachment");
        Program.require(attachment.bytesEquals(new BytesRef(Content.bytes(id, version, ATTACHMENT_BYTES))),
                "attachment of document " + id);
        return id;
    }

    @Override
    public long checkAll() throws Exception {
        searchers.maybeRefreshBlocking();
        IndexSearcher searcher = searchers.acquire();
        try {
            Program.require(searcher.getIndexReader().numDocs() == documents, "documents are missing or there twice");
            for (int id = 0; id < documents; id++) {
                byNumber(searcher, id);
            }
        } finally {
            searchers.release(searcher);
        }
        return documents;
    }
}
