/**
 * How much memory a program in this guest may count on, and a way for its caches to give some back.
 */
module org.aerostat {
    exports org.aerostat;
}
