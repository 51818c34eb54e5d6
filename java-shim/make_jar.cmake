# cmake -DJAR=… -DCLASSES=DIR -DVERSION=… -DOUT=FILE -P make_jar.cmake: the same classes make the same bytes, whenever and
# wherever: sorted entries, one fixed time.
file(GLOB_RECURSE classes RELATIVE ${CLASSES} ${CLASSES}/*.class)
list(SORT classes)
get_filename_component(folder ${OUT} DIRECTORY)
file(MAKE_DIRECTORY ${folder})
file(WRITE ${CLASSES}/MANIFEST.MF "Implementation-Title: Aerostat\nImplementation-Version: ${VERSION}\n")
execute_process(
  COMMAND ${JAR} --create --file ${OUT}.new --manifest MANIFEST.MF --date 1980-01-01T00:00:02Z ${classes}
  WORKING_DIRECTORY ${CLASSES} COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${OUT}.new ${OUT})
