"""The figures for people without Power BI: pages on the desk, and a file that can be sent round.

Figures are read from schema `marts` as bi_reader, as Power BI reads them. The file holds only
aggregate figures, and withholds counts from 1 to 5.

- chosen: the measures that matter (chosen.csv)
- reading: what is read from marts
- disclosure: which figures the file withholds
- numbers: figures as people read them
- pictures: charts as SVG, drawn by Altair, each with its table
- headlines, pathway, measure: what the pages show
- written: the file
"""
