"""The table of books, with two to begin with."""
from django.db import migrations, models

FIRST = [("The Twelve Caesars", "Suetonius", 121), ("Memoirs of Hadrian", "Marguerite Yourcenar", 1951)]


def fill(apps, schema_editor):
    book = apps.get_model("books", "Book")
    for title, author, year in FIRST:
        book.objects.create(title=title, author=author, year=year)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Book",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=200)),
                ("author", models.CharField(max_length=200)),
                ("year", models.IntegerField(blank=True, null=True)),
            ],
            options={"ordering": ["title"]},
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
